"""Data loaders for any device: FastReID's data sets, transforms and samplers, torch's own loader.

FastReID's ``DataLoaderX`` prefetches with a CUDA stream and does not work on a CPU.
"""

from collections.abc import Sequence

import torch
from fastreid.config import CfgNode
from fastreid.data import samplers
from fastreid.data.common import CommDataset
from fastreid.data.datasets.bases import ImageDataset
from fastreid.utils import comm
from torch.utils.data import BatchSampler, DataLoader, Sampler

from ..errors import UserError
from ..log import logger
from .cache import choose_reader
from .datasets.catalogue import data_root, load_dataset, require_test_images
from .device_loader import DeviceLoader
from .hard_identity_sampler import HardBatches
from .identity_sampler import IdentitySampler
from .image_sets import EvaluationImages, TrainingImages
from .sampling import EpochBatches
from .transforms import build_transforms
from .workers import count_workers

_HARD = "HardIdentitySampler"
_IDENTITY_SAMPLERS = ("NaiveIdentitySampler", "BalancedIdentitySampler", _HARD)
# Not SetReWeightSampler: it asks for larger batches than it draws, and never yields one.
_SAMPLERS = ("TrainingSampler", "ImbalancedDatasetSampler", *_IDENTITY_SAMPLERS)


def build_train_loader(cfg: CfgNode) -> DeviceLoader:
    """Return endless batches of all sets of DATASETS.NAMES together.

    Raises:
        UserError: no images, too few images or identities for a batch, or more identities than
            MODEL.HEADS.NUM_CLASSES; with a cache, also an image that cannot be read.
    """
    items = []
    for name in cfg.DATASETS.NAMES:
        dataset = load_dataset(cfg, name, combineall=cfg.DATASETS.COMBINEALL)
        if not dataset.train:
            raise UserError(
                f"DATASETS.NAMES: {name} has no training image under {data_root()}; build or copy "
                "the data, or set FASTREID_DATASETS"
            )
        if comm.is_main_process():
            dataset.show_train()
        items.extend(dataset.train)
    if not items:
        raise UserError("DATASETS.NAMES is empty; name a data set to train on")
    if cfg.INPUT.RPT.ENABLED:
        logger.warning(
            "INPUT.RPT pastes patches of images that the same worker has read: batches depend on "
            "DATALOADER.NUM_WORKERS, and a resumed run is not the same as an uninterrupted one"
        )
    train_set = TrainingImages(items, build_transforms(cfg, is_train=True), relabel=True)
    if 0 < cfg.MODEL.HEADS.NUM_CLASSES < train_set.num_classes:
        raise UserError(
            f"MODEL.HEADS.NUM_CLASSES is {cfg.MODEL.HEADS.NUM_CLASSES}, but "
            f"{tuple(cfg.DATASETS.NAMES)} have {train_set.num_classes} training identities; set it "
            "to 0, which counts them"
        )
    mini_batch = cfg.SOLVER.IMS_PER_BATCH // comm.get_world_size()
    _check_batch(cfg, train_set, mini_batch)
    train_set.read = choose_reader(cfg.DATALOADER.CACHE, [item[0] for item in items])
    return _device_loader(cfg, train_set, _make_batches(cfg, train_set, mini_batch))


def build_plain_loader(
    cfg: CfgNode, train_set: TrainingImages, indices: Sequence[int]
) -> DeviceLoader:
    """Return batches of these training images, in their order and as images are tested.

    Nothing that a run may be resumed with differently, such as TEST.IMS_PER_BATCH, has a share in
    them.
    """
    transforms = build_transforms(cfg, is_train=False)
    images = EvaluationImages(train_set.img_items, transforms, relabel=True)
    images.read = train_set.read
    mini_batch = cfg.SOLVER.IMS_PER_BATCH // comm.get_world_size()
    return _device_loader(cfg, images, BatchSampler(indices, mini_batch, drop_last=False))


def build_test_loader(
    cfg: CfgNode, name: str, dataset: ImageDataset | None = None
) -> tuple[DeviceLoader, int]:
    """Return batches of one data set's queries, then gallery, and the number of queries.

    Args:
        cfg: the run's.
        name: of the data set.
        dataset: the set, if it is open already.

    Raises:
        UserError: no query or no gallery image.
    """
    if dataset is None:
        dataset = load_dataset(cfg, name)
    require_test_images(name, dataset)
    if comm.is_main_process():
        dataset.show_test()
    transforms = build_transforms(cfg, is_train=False)
    test_set = EvaluationImages(dataset.query + dataset.gallery, transforms, relabel=False)
    mini_batch = max(cfg.TEST.IMS_PER_BATCH // comm.get_world_size(), 1)
    batches = BatchSampler(samplers.InferenceSampler(len(test_set)), mini_batch, drop_last=False)
    return _device_loader(cfg, test_set, batches), len(dataset.query)


def _check_batch(cfg: CfgNode, train_set: CommDataset, mini_batch: int) -> None:
    """Refuse batches that train nothing, or on which FastReID's samplers loop forever."""
    solver, name = cfg.SOLVER, cfg.DATALOADER.SAMPLER_TRAIN
    if name not in _SAMPLERS:
        raise UserError(f"DATALOADER.SAMPLER_TRAIN is {name!r}; allowed: {', '.join(_SAMPLERS)}")
    if solver.IMS_PER_BATCH % comm.get_world_size():
        raise UserError(
            f"SOLVER.IMS_PER_BATCH {solver.IMS_PER_BATCH} cannot be shared by "
            f"{comm.get_world_size()} processes; make it a multiple"
        )
    if len(train_set) < solver.IMS_PER_BATCH:
        raise UserError(
            f"{len(train_set)} training images are fewer than SOLVER.IMS_PER_BATCH "
            f"{solver.IMS_PER_BATCH}; an epoch would have no step"
        )
    if cfg.TEST.PRECISE_BN.ENABLED and cfg.MODEL.LOSSES.PROTOTYPE.SCALE:
        raise UserError(
            "TEST.PRECISE_BN sends images without labels through the model, which would move the "
            "prototypes of MODEL.LOSSES.PROTOTYPE; switch one of them off"
        )
    if name not in _IDENTITY_SAMPLERS:
        return
    if name == _HARD and cfg.TEST.PRECISE_BN.ENABLED:
        raise UserError(
            f"TEST.PRECISE_BN cannot draw the batches of {_HARD}, which follow the model; switch "
            "it off, or use another DATALOADER.SAMPLER_TRAIN"
        )
    instances = cfg.DATALOADER.NUM_INSTANCE
    if instances < 1 or mini_batch % instances:
        raise UserError(
            f"a batch of {mini_batch} images a process (SOLVER.IMS_PER_BATCH) is not a multiple of "
            f"DATALOADER.NUM_INSTANCE {instances}"
        )
    needed = solver.IMS_PER_BATCH // instances
    if train_set.num_classes < needed:
        raise UserError(
            f"a batch needs {needed} identities (IMS_PER_BATCH / NUM_INSTANCE); "
            f"{tuple(cfg.DATASETS.NAMES)} have {train_set.num_classes}"
        )


def _make_batches(cfg: CfgNode, train_set: CommDataset, mini_batch: int) -> EpochBatches:
    num_batches = len(train_set) // cfg.SOLVER.IMS_PER_BATCH
    if cfg.DATALOADER.SAMPLER_TRAIN == _HARD:
        return HardBatches(
            train_set.img_items,
            num_batches=num_batches,
            batch_size=mini_batch,
            num_instances=cfg.DATALOADER.NUM_INSTANCE,
            seed=cfg.SEED,
        )
    return EpochBatches(
        lambda seed: _make_sampler(cfg, train_set, mini_batch, seed),
        num_batches=num_batches,
        batch_size=mini_batch,
        seed=cfg.SEED,
    )


def _make_sampler(cfg: CfgNode, train_set: CommDataset, mini_batch: int, seed: int) -> Sampler:
    name, items = cfg.DATALOADER.SAMPLER_TRAIN, train_set.img_items
    if name == "TrainingSampler":
        return samplers.TrainingSampler(len(items), seed=seed)
    if name == "ImbalancedDatasetSampler":
        return samplers.ImbalancedDatasetSampler(items, seed=seed)
    kind = IdentitySampler if name == "NaiveIdentitySampler" else samplers.BalancedIdentitySampler
    return kind(items, mini_batch, cfg.DATALOADER.NUM_INSTANCE, seed=seed)


def _device_loader(cfg: CfgNode, dataset: CommDataset, batches: Sampler) -> DeviceLoader:
    loader = DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=count_workers(cfg.DATALOADER.NUM_WORKERS),
        pin_memory=torch.device(cfg.MODEL.DEVICE).type == "cuda",
        # Every iterator draws a number. From the generator that the model uses, a run that resumes
        # in the middle of a phase would draw it where an uninterrupted one does not.
        generator=torch.Generator(),
    )
    return DeviceLoader(loader, cfg.MODEL.DEVICE)

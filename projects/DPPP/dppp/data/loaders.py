"""Data loaders for any device: FastReID's data sets, transforms and samplers, torch's own loader.

FastReID's ``DataLoaderX`` prefetches with a CUDA stream and cannot be made on a CPU.
"""

import os
from collections.abc import Iterator

import torch
from fastreid.config import CfgNode
from fastreid.data import samplers
from fastreid.data import transforms as fastreid_transforms
from fastreid.data.build import fast_batch_collator
from fastreid.data.common import CommDataset
from fastreid.data.datasets.bases import ImageDataset
from fastreid.utils import comm
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Sampler
from torchvision import transforms as T

from ..errors import DataNotFoundError, UserError
from .geneperson import register_geneperson, registered
from .sampling import EpochBatches, seeded

_IDENTITY_SAMPLERS = ("NaiveIdentitySampler", "BalancedIdentitySampler")
_SAMPLERS = (
    "TrainingSampler",
    "ImbalancedDatasetSampler",
    "SetReWeightSampler",
    *_IDENTITY_SAMPLERS,
)


class ReadableImages(CommDataset):
    """FastReID's data set of images, that names the file it cannot read."""

    def __getitem__(self, index: int) -> dict:
        try:
            return super().__getitem__(index)
        except OSError as error:
            path = self.img_items[index][0]
            raise UserError(
                f"{path}: cannot be read as an image ({error}); replace or remove it"
            ) from None


class TrainingImages(ReadableImages):
    """Images for training: an item is asked for with the seed of its random transforms."""

    def __getitem__(self, item: tuple[int, int]) -> dict:
        index, seed = item
        with seeded(seed):  # FastReID's transforms draw from Python's, NumPy's and torch's
            return super().__getitem__(index)


class DeviceLoader:
    """A DataLoader whose tensors are on ``device``."""

    def __init__(self, loader: DataLoader, device: str) -> None:
        self._loader = loader
        self._device = torch.device(device)
        self.dataset = loader.dataset
        self.batch_sampler = loader.batch_sampler

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[dict]:
        for batch in self._loader:
            yield {
                key: value.to(self._device, non_blocking=True) if torch.is_tensor(value) else value
                for key, value in batch.items()
            }


def data_root() -> str:
    """The folder of all data sets: FASTREID_DATASETS, or ``datasets`` as FastReID has it."""
    return os.getenv("FASTREID_DATASETS") or "datasets"


def load_dataset(cfg: CfgNode, name: str, **kwargs) -> ImageDataset:
    """One of FastReID's registered data sets, or a folder of DATASETS.GENEPERSON_DIRS.

    Raises:
        UserError: the name is unknown.
        DataNotFoundError: the files are not there.
    """
    register_geneperson(cfg.DATASETS.GENEPERSON_DIRS)
    dataset = registered(name)
    if dataset is None:
        raise UserError(
            f"DATASETS: no data set {name!r}; it is neither one of FastReID's nor in "
            f"DATASETS.GENEPERSON_DIRS {tuple(cfg.DATASETS.GENEPERSON_DIRS)}"
        )
    try:
        return dataset(root=data_root(), **kwargs)
    except (RuntimeError, AssertionError) as error:  # FastReID's two ways to say it
        if "not found" not in str(error):
            raise UserError(
                f"data set {name}: FastReID's loader refuses a file name in it, by a rule of that "
                "set (as identities up to 1501 in Market1501); keep only the set's own files there"
            ) from None
        raise DataNotFoundError(
            f"data set {name}: {error}; set FASTREID_DATASETS to the folder that holds it"
        ) from None


def build_train_loader(cfg: CfgNode) -> DeviceLoader:
    """Endless batches of all sets of DATASETS.NAMES together.

    Raises:
        UserError: no image, or too few images or identities for a batch.
    """
    items = []
    for name in cfg.DATASETS.NAMES:
        dataset = load_dataset(cfg, name, combineall=cfg.DATASETS.COMBINEALL)
        if comm.is_main_process():
            dataset.show_train()
        items.extend(dataset.train)
    if not items:
        raise UserError(
            f"DATASETS.NAMES {tuple(cfg.DATASETS.NAMES)}: no training image in them, under "
            f"{data_root()}; build or copy the data, or set FASTREID_DATASETS"
        )
    train_set = TrainingImages(items, build_transforms(cfg, is_train=True), relabel=True)
    mini_batch = cfg.SOLVER.IMS_PER_BATCH // comm.get_world_size()
    _check_batch(cfg, train_set, mini_batch)
    batches = EpochBatches(
        lambda seed: _make_sampler(cfg, train_set, mini_batch, seed),
        num_batches=len(train_set) // cfg.SOLVER.IMS_PER_BATCH,
        batch_size=mini_batch,
        seed=cfg.SEED,
    )
    return _device_loader(cfg, train_set, batches)


def build_test_loader(cfg: CfgNode, name: str) -> tuple[DeviceLoader, int]:
    """Batches of the queries, then the gallery, of one data set, and the number of queries.

    Raises:
        UserError: no query or no gallery image.
    """
    dataset = load_dataset(cfg, name)
    for part, images in (("query", dataset.query), ("gallery", dataset.gallery)):
        if not images:
            raise UserError(
                f"DATASETS.TESTS: {name} has no {part} image; build it with held-out identities "
                "(--test-identities)"
            )
    if comm.is_main_process():
        dataset.show_test()
    transforms = build_transforms(cfg, is_train=False)
    test_set = ReadableImages(dataset.query + dataset.gallery, transforms, relabel=False)
    mini_batch = max(cfg.TEST.IMS_PER_BATCH // comm.get_world_size(), 1)
    batches = BatchSampler(samplers.InferenceSampler(len(test_set)), mini_batch, drop_last=False)
    return _device_loader(cfg, test_set, batches), len(dataset.query)


def build_transforms(cfg: CfgNode, is_train: bool) -> T.Compose:
    """FastReID's transforms of a config: PIL image -> float32 (3, H, W), 0..255.

    Upstream's last step reads pixels through ``torch.ByteStorage``, which torch has deprecated.
    """
    steps = fastreid_transforms.build_transforms(cfg, is_train).transforms
    to_tensor = T.Compose([T.PILToTensor(), Tensor.float])
    return T.Compose(
        [to_tensor if isinstance(t, fastreid_transforms.ToTensor) else t for t in steps]
    )


def _check_batch(cfg: CfgNode, train_set: CommDataset, mini_batch: int) -> None:
    """Refuse what would train nothing, or what FastReID's samplers loop on for ever, silently."""
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
    if name not in _IDENTITY_SAMPLERS:
        return
    instances = cfg.DATALOADER.NUM_INSTANCE
    if mini_batch % instances:
        raise UserError(
            f"a batch of {mini_batch} images a process (SOLVER.IMS_PER_BATCH) is no multiple of "
            f"DATALOADER.NUM_INSTANCE {instances}"
        )
    needed = solver.IMS_PER_BATCH // instances
    if train_set.num_classes < needed:
        raise UserError(
            f"a batch needs {needed} identities (IMS_PER_BATCH / NUM_INSTANCE); "
            f"{tuple(cfg.DATASETS.NAMES)} have {train_set.num_classes}"
        )


def _make_sampler(cfg: CfgNode, train_set: CommDataset, mini_batch: int, seed: int) -> Sampler:
    name, items = cfg.DATALOADER.SAMPLER_TRAIN, train_set.img_items
    if name == "TrainingSampler":
        return samplers.TrainingSampler(len(items), seed=seed)
    if name == "ImbalancedDatasetSampler":
        return samplers.ImbalancedDatasetSampler(items, seed=seed)
    arguments = [items, mini_batch, cfg.DATALOADER.NUM_INSTANCE]
    if name == "SetReWeightSampler":
        arguments.append(cfg.DATALOADER.SET_WEIGHT)
    return getattr(samplers, name)(*arguments, seed=seed)


def _device_loader(cfg: CfgNode, dataset: CommDataset, batches: Sampler) -> DeviceLoader:
    loader = DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=cfg.DATALOADER.NUM_WORKERS,
        collate_fn=fast_batch_collator,
        pin_memory=torch.device(cfg.MODEL.DEVICE).type == "cuda",
    )
    return DeviceLoader(loader, cfg.MODEL.DEVICE)

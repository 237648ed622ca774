"""What HardIdentitySampler needs before each epoch: which identities the present model confuses."""

import torch
from fastreid.config import CfgNode
from fastreid.evaluation.evaluator import inference_context
from fastreid.utils import comm
from torch import Tensor

from ..config import amp_dtype
from ..data.device_loader import DeviceLoader
from ..data.hard_identity_sampler import HardBatches, nearest_identities
from ..data.image_sets import TrainingImages
from ..data.loaders import build_plain_loader
from ..modeling.interface import ReIDModel


def follow_model(
    cfg: CfgNode, model: ReIDModel, train_set: TrainingImages, batches: HardBatches
) -> None:
    """Tell the batches of the epoch at which they are set to start what is near.

    One image of each identity is encoded by the model in evaluation, in the number format of
    training. Each process encodes its share; the main one compares, so that all agree.

    Args:
        cfg: the run's.
        model: not wrapped for distributed training.
        train_set: of the batches.
        batches: of ``HardIdentitySampler``.
    """
    size = comm.get_world_size()
    mine = batches.representatives()[comm.get_rank() :: size]
    parts = comm.gather(_encode(cfg, model, build_plain_loader(cfg, train_set, mine)))
    nearest = None
    if comm.is_main_process():
        features = torch.empty(train_set.num_classes, parts[0].shape[1])
        for start, part in enumerate(parts):
            features[start::size] = part
        identities = cfg.SOLVER.IMS_PER_BATCH // cfg.DATALOADER.NUM_INSTANCE
        nearest = nearest_identities(features, identities)
    batches.follow(comm.all_gather(nearest)[0])


@torch.no_grad()
def _encode(cfg: CfgNode, model: ReIDModel, images: DeviceLoader) -> Tensor:
    """Return features (N, d), float32, on the CPU."""
    dtype = amp_dtype(cfg)
    with (
        inference_context(model),
        torch.autocast(model.device.type, dtype, enabled=dtype is not None),
    ):
        return torch.cat([model(batch).float().cpu() for batch in images])

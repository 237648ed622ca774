"""What HardIdentitySampler needs before each epoch: which identities the present model confuses."""

import torch
from fastreid.config import CfgNode
from fastreid.utils import comm

from ..data.hard_identity_sampler import HardBatches, nearest_identities
from ..data.image_sets import TrainingImages
from ..data.loaders import build_plain_loader
from ..modeling.interface import ReIDModel
from .encoding import encode


def follow_model(
    cfg: CfgNode, model: ReIDModel, train_set: TrainingImages, batches: HardBatches
) -> None:
    """Tell the batches of the epoch at which they are set to start what is near.

    One image of each identity is encoded. Each process encodes its share; the main one compares,
    so that all agree.

    Args:
        cfg: the run's.
        model: not wrapped for distributed training.
        train_set: of the batches.
        batches: of ``HardIdentitySampler``.
    """
    size = comm.get_world_size()
    mine = batches.representatives()[comm.get_rank() :: size]
    encoded = encode(cfg, model, model, build_plain_loader(cfg, train_set, mine))
    parts = comm.gather(torch.cat([features.cpu() for _, features in encoded]))
    nearest = None
    if comm.is_main_process():
        features = torch.empty(train_set.num_classes, parts[0].shape[1])
        for start, part in enumerate(parts):
            features[start::size] = part
        identities = cfg.SOLVER.IMS_PER_BATCH // cfg.DATALOADER.NUM_INSTANCE
        nearest = nearest_identities(features, identities)
    batches.follow(comm.all_gather(nearest)[0])

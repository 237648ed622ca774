"""Where the prototypes of a phase start: from a mean over the images of each identity."""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from fastreid.config import CfgNode
from fastreid.utils import comm

from ..data.image_sets import TrainingImages
from ..data.loaders import build_plain_loader
from ..log import logger
from ..modeling.interface import ReIDModel
from .encoding import encode


def start_prototypes(cfg: CfgNode, model: ReIDModel, train_set: TrainingImages) -> None:
    """Encode all training images once, unless a checkpoint has brought the prototypes of the phase.

    Each process encodes its share.

    Args:
        cfg: the run's.
        model: not wrapped for distributed training.
        train_set: of the run.
    """
    memory = model.phase_memory()
    if memory is None or not memory.is_empty:
        return
    logger.info("prototypes of %d identities start from all images", train_set.num_classes)
    sums = torch.zeros_like(memory.prototypes)
    mine = range(comm.get_rank(), len(train_set), comm.get_world_size())
    images = build_plain_loader(cfg, train_set, mine)
    for batch, features in encode(cfg, model, model.prototype_features, images):
        sums.index_add_(0, batch["targets"], F.normalize(features, dim=1))
    if comm.get_world_size() > 1:
        dist.all_reduce(sums)
    memory.start(sums)

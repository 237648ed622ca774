"""Training compute: the floating-point operations of a run's steps, as torch counts them.

``FlopCounterMode`` counts the matrix products and convolutions of a step, forward and backward,
two operations a multiply-add; element-wise work and the optimizer are not counted.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import torch
from fastreid.config import CfgNode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..modeling.build import build_model, model_class
from . import runs

# Images of the step that is counted, two of each identity. All but the similarities within a batch,
# below 0.1 % of the whole, grows in proportion to the images.
_NUM_IMAGES = 4


@dataclass(frozen=True)
class _Step:
    """A training step: the settings that its operations follow from, and the config of them."""

    settings: str
    phase: int
    num_identities: int
    cfg: CfgNode = field(compare=False)


def flops_until(cfg: CfgNode, stage: str) -> float:
    """Return the floating-point operations of a run's training up to a stage, "after phase 1".

    Args:
        cfg: the run's.
        stage: as summary.json names it.

    Raises:
        NotAvailableError: a training set is missing or smaller than a batch.
    """
    num_images, num_identities = _training_size(cfg)
    batch_size = cfg.SOLVER.IMS_PER_BATCH
    if num_images < batch_size:
        raise runs.NotAvailableError(
            f"{num_images} training images are fewer than SOLVER.IMS_PER_BATCH {batch_size}"
        )
    settings = cfg.MODEL.dump() + str(cfg.INPUT.SIZE_TRAIN)
    total = 0.0
    for plan in model_class(cfg.MODEL.META_ARCHITECTURE).plan_phases(cfg):
        step = _Step(settings, plan.number, num_identities, cfg)
        total += plan.epochs * (num_images // batch_size) * batch_size * _flops_per_image(step)
        if stage == f"after {plan.name}":
            break
    return total


def _training_size(cfg: CfgNode) -> tuple[int, int]:
    """Return the numbers of images and identities of all training sets together."""
    datasets = {name: runs.find_dataset(cfg, name) for name in cfg.DATASETS.NAMES}
    if missing := [name for name, dataset in datasets.items() if dataset is None]:
        raise runs.NotAvailableError(", ".join(missing))
    items = [item for dataset in datasets.values() if dataset is not None for item in dataset.train]
    return len(items), len({item[1] for item in items})


@functools.cache
def _flops_per_image(step: _Step) -> float:
    """Return the operations of a step, divided by its images."""
    cfg = step.cfg.clone()
    cfg.defrost()
    cfg.MODEL.DEVICE = "cpu"
    cfg.MODEL.DPPP.CLIP_PRETRAINED = ""  # the values of the weights do not matter
    cfg.MODEL.HEADS.NUM_CLASSES = step.num_identities
    model = build_model(cfg)
    model.start_phase(step.phase)
    model.train()
    batch = {
        "images": 255 * torch.rand(_NUM_IMAGES, 3, *cfg.INPUT.SIZE_TRAIN),
        "targets": torch.arange(_NUM_IMAGES) // 2,
    }
    # Fused attention is not counted on every device.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        sum(model(batch).values()).backward()
    return counter.get_total_flops() / _NUM_IMAGES

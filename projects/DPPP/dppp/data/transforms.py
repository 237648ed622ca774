"""FastReID's transforms of an image, on current torchvision."""

from collections.abc import Callable

import numpy as np
from fastreid.config import CfgNode
from fastreid.data import transforms as upstream
from PIL import Image
from torch import Tensor
from torchvision import transforms as T
from torchvision.transforms import functional as F


def build_transforms(cfg: CfgNode, *, is_train: bool) -> T.Compose:
    """Return FastReID's transforms of a config: PIL image -> (3, H, W), 0..255.

    Pixels are uint8 as long as they are whole numbers: random erasing fills in others, and makes
    them float32 whether it erases or not.
    """
    more = _further_steps(cfg) if is_train else []
    cfg = cfg.clone()
    cfg.defrost()
    cfg.INPUT.AFFINE.ENABLED = False  # upstream's call fails in current torchvision
    steps = upstream.build_transforms(cfg, is_train=is_train).transforms
    following = (upstream.AugMix, upstream.ToTensor)  # what comes after RandomAffine upstream
    place = next(i for i, step in enumerate(steps) if isinstance(step, following))
    steps[place:place] = more
    erasing = any(isinstance(step, T.RandomErasing) for step in steps)
    convert = to_floats if erasing else to_tensor
    return T.Compose([convert if isinstance(s, upstream.ToTensor) else s for s in steps])


def _further_steps(cfg: CfgNode) -> list[Callable]:
    """Return the transforms of training that are not FastReID's, or whose call fails there."""
    steps: list[Callable] = []
    if cfg.INPUT.GRAYSCALE_PROB > 0:
        steps.append(T.RandomGrayscale(p=cfg.INPUT.GRAYSCALE_PROB))
    if cfg.INPUT.AFFINE.ENABLED:
        steps.append(T.RandomAffine(degrees=10, scale=(0.9, 1.1), shear=0.1))
    return steps


def to_floats(picture: Image.Image | np.ndarray) -> Tensor:
    """As ``to_tensor``, float32."""
    return to_tensor(picture).float()


def to_tensor(picture: Image.Image | np.ndarray) -> Tensor:
    """Convert a PIL image, or AugMix's (H, W, 3) uint8, to uint8 (3, H, W), 0..255.

    Upstream's own step reads pixels through ``torch.ByteStorage``, which is deprecated.
    """
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    return F.pil_to_tensor(picture)

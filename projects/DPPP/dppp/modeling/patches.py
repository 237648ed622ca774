"""Patches of an image that lie side by side or overlap, as CLIP-ReID's may."""

from collections.abc import Sequence

from fastreid.config import CfgNode, get_cfg

from ..errors import UserError

_KEY = "MODEL.BACKBONE.STRIDE_SIZE"


def patch_stride(cfg: CfgNode) -> tuple[int, int] | None:
    """Return MODEL.BACKBONE.STRIDE_SIZE, (down, across) in pixels; None for FastReID's default.

    That is (16, 16) and means patches side by side, whatever their size.
    """
    down, across = cfg.MODEL.BACKBONE.STRIDE_SIZE
    default = tuple(get_cfg().MODEL.BACKBONE.STRIDE_SIZE)
    return None if (down, across) == default else (down, across)


def check_stride(stride: tuple[int, int], patch: tuple[int, int]) -> None:
    """Raise a UserError unless patches of that (height, width) cover the image, each a new part."""
    if not all(1 <= step <= size for step, size in zip(stride, patch, strict=True)):
        raise UserError(f"{_KEY} is {stride}; allowed: from 1 to the size of a patch, {patch}")


def size_of_plain_patches(
    image: Sequence[int], patch: tuple[int, int], stride: tuple[int, int]
) -> tuple[int, int]:
    """Return the image size at which patches side by side are as many as ``image`` has at a stride.

    Args:
        image: (height, width) in pixels.
        patch: the same of a patch.
        stride: (down, across) in pixels.
    """
    height, width = (
        (length - size) // step * size + size
        for length, size, step in zip(image, patch, stride, strict=True)
    )
    return height, width

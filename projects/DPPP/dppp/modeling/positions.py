"""CLIP's position embedding for another grid of patches."""

import torch
import torch.nn.functional as F
from torch import Tensor


def resample_positions(embedding: Tensor, old: list[int], new: list[int]) -> Tensor:
    """Resample a position embedding as open_clip does.

    Args:
        embedding: (1 + old height x old width, d2), the class token first.
        old: rows and columns of patches it was made for.
        new: rows and columns it is needed for.

    Returns:
        (1 + new height x new width, d2).
    """
    of_class, of_patches = embedding[:1], embedding[1:]
    grid = of_patches.T.reshape(1, -1, *old)
    grid = F.interpolate(grid, size=tuple(new), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([of_class, grid.flatten(2)[0].T])

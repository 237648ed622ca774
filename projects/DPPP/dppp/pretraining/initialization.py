"""How a visual tower starts: places and attention as trained ones roughly have them.

From open_clip's random weights, a few thousand steps teach a tower colors, but hardly shapes: the
class token first has to find out where things are.
"""

import math

import numpy as np
import torch
from open_clip import CLIP
from torch import Tensor, nn

_SLOWEST = 100.0  # wavelength of the slowest sine, over 2 pi, in patches
_POSITION_SCALE = 0.3
# Noise and identity in queries times keys, and in output times values (arXiv 2305.09828).
_QUERY_KEY = (0.7, 0.7)
_OUTPUT_VALUE = (0.4, -0.4)


@torch.no_grad()
def initialize(model: CLIP) -> None:
    """Draw the positions and attention matrices of the visual tower anew, in place.

    Positions are sines of the row and the column (arXiv 2205.01580). In each block a token first
    asks for tokens like itself, and their mean is taken from it.
    """
    visual = model.visual
    visual.positional_embedding[1:] = _POSITION_SCALE * positions(
        visual.grid_size, visual.positional_embedding.shape[1]
    )
    for block in visual.transformer.resblocks:
        _initialize_attention(block.attn)


def positions(grid: tuple[int, int], width: int) -> Tensor:
    """Return sines and cosines of each patch's row and column, (rows * columns, width).

    Args:
        grid: rows and columns of patches.
        width: of a token, a multiple of 4.
    """
    rates = _SLOWEST ** -(np.arange(width // 4) / (width // 4))
    places = [place.reshape(-1, 1) * rates for place in np.indices(grid)]
    waves = [wave(place) for place in places for wave in (np.sin, np.cos)]
    return torch.from_numpy(np.concatenate(waves, axis=1)).float()


def _initialize_attention(attention: nn.MultiheadAttention) -> None:
    width, heads = attention.embed_dim, attention.num_heads
    query, key, value = (
        part.unflatten(0, (heads, -1)) for part in attention.in_proj_weight.chunk(3)
    )
    rank = width // heads
    for head in range(heads):
        left, right = _factors(_near_identity(width, *_QUERY_KEY), rank)
        query[head], key[head] = left.T, right
    left, right = _factors(_near_identity(width, *_OUTPUT_VALUE), width)
    attention.out_proj.weight.copy_(left)
    value.copy_(right.unflatten(0, (heads, -1)))


def _near_identity(width: int, noise: float, identity: float) -> Tensor:
    return noise * torch.randn(width, width) / math.sqrt(width) + identity * torch.eye(width)


def _factors(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Return the two factors (N, rank) and (rank, N) whose product is nearest to a matrix."""
    left, sizes, right = torch.linalg.svd(matrix)
    root = sizes[:rank].sqrt()
    return left[:, :rank] * root, root[:, None] * right[:rank]

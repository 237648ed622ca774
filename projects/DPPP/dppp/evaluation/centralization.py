"""Neighbor feature centralization: a feature is moved toward its mutual nearest neighbors.

Yuan et al., "From Poses to Identity", CVPR 2025 (Pose2ID). Features are normalized first, so
neighbors are those by cosine, and by Euclidean distance too. No image is its own neighbor.

| symbol | meaning |
| ------ | ------- |
| Q, G   | queries and gallery images |
| N      | Q + G, all images |
| C      | images of a chunk, treated at once |
| D      | width of a feature |
| k1, k2 | j is a mutual neighbor of i: one of the k1 nearest of i, which is one of the k2 of j |
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_CHUNK_SIZE = 256


def centralize(query: Tensor, gallery: Tensor, *, k1: int, k2: int) -> tuple[Tensor, Tensor]:
    """Return features (Q, D) and (G, D): each with its mutual neighbors' added, L2-normalized.

    In addition to the features, at most three chunks of N float32 numbers are in memory.

    Args:
        query: features (Q, D), float32, on the CPU; need not be normalized.
        gallery: features (G, D), as the queries'.
        k1: nearest images that are considered, 1 or more, less than N.
        k2: nearest images of theirs that must hold the image, 1 or more, less than N.
    """
    unit = F.normalize(torch.cat([query, gallery]), dim=1)
    places = torch.arange(len(unit))
    nearest = torch.cat([_nearest(c, unit, max(k1, k2)) for c in places.split(_CHUNK_SIZE)])
    parts = []
    for chunk in places.split(_CHUNK_SIZE):
        neighbors = nearest[chunk, :k1]  # (C, k1)
        mutual = (nearest[neighbors, :k2] == chunk[:, None, None]).any(dim=2)
        parts.append(unit[chunk] + (unit[neighbors] * mutual[:, :, None]).sum(dim=1))
    centralized = F.normalize(torch.cat(parts), dim=1)
    return centralized[: len(query)], centralized[len(query) :]


def _nearest(chunk: Tensor, unit: Tensor, k: int) -> Tensor:
    """Return the k nearest other images (C, k), in order, of the images at ``chunk`` (C,)."""
    similarities = unit[chunk] @ unit.T
    similarities[torch.arange(len(chunk)), chunk] = -torch.inf
    return similarities.topk(k, dim=1).indices

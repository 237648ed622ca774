"""Query expansion: each feature becomes the weighted mean of its nearest neighbors' features.

Chum et al., "Total Recall", ICCV 2007, with the weights of Radenovic et al., TPAMI 2018, as
in FastReID (``fastreid/evaluation/query_expansion.py``), but without its matrix of all pairs.

| symbol | meaning |
| ------ | ------- |
| Q, G   | queries and gallery images |
| N      | Q + G, all images |
| C      | images of a chunk, compared with all others at once |
| D      | width of a feature |
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_CHUNK_SIZE = 256


def expand(
    query: Tensor, gallery: Tensor, *, k: int, times: int, alpha: float
) -> tuple[Tensor, Tensor]:
    """Return the expanded features (Q, D) and (G, D), not normalized.

    In addition to the features, at most three chunks of N float32 numbers are in memory.

    Args:
        query: features (Q, D), float32, on the CPU; need not be normalized.
        gallery: features (G, D), as the queries'.
        k: number of neighbors to average, the image itself included; at most N.
        times: number of expansions.
        alpha: power of the cosine similarity that weighs a neighbor.
    """
    features = torch.cat([query, gallery])
    for _ in range(times):
        unit = F.normalize(features, dim=1)
        parts = [_weighted_means(c, unit, features, k, alpha) for c in unit.split(_CHUNK_SIZE)]
        features = torch.cat(parts)
    return features[: len(query)], features[len(query) :]


def _weighted_means(chunk: Tensor, unit: Tensor, features: Tensor, k: int, alpha: float) -> Tensor:
    """Return the means (C, D) of the neighbors of ``chunk`` (C, D), a part of ``unit`` (N, D)."""
    similarities, neighbors = (chunk @ unit.T).topk(k, dim=1)
    return (features[neighbors] * similarities.pow(alpha)[:, :, None]).mean(dim=1)

"""FastReID's query expansion and re-ranking, with the memory they will take told beforehand.

Both are FastReID's own functions. They compare all N = Q + G images with one another, so their
memory grows with N x N and no chunk bounds it: 3 GB for re-ranking Market-1501, 70 GB for MSMT17.
"""

import logging

import numpy as np
import torch
import torch.nn.functional as F
from fastreid.config import CfgNode
from fastreid.evaluation.query_expansion import aqe
from fastreid.utils.compute_dist import compute_jaccard_distance
from torch import Tensor

from ..errors import UserError
from .distances import DistanceRows

logger = logging.getLogger("fastreid.dppp")

_MUCH_MEMORY_GB = 8
_FAISS_ON_CPU = 3  # search_option; FastReID's evaluator passes 0, which needs CUDA


def expand(query: Tensor, gallery: Tensor, aqe_cfg: CfgNode) -> tuple[Tensor, Tensor]:
    """Features (Q, D) and (G, D) averaged with their nearest neighbours: TEST.AQE.

    Raises:
        UserError: there are no more images than neighbours asked for.
    """
    num_images = len(query) + len(gallery)
    if num_images <= aqe_cfg.QE_K:
        raise UserError(f"TEST.AQE.QE_K is {aqe_cfg.QE_K}; with {num_images} images, use fewer")
    _tell_memory(f"query expansion (k {aqe_cfg.QE_K})", num_images, num_matrices=1)
    return aqe(query, gallery, aqe_cfg.QE_TIME, aqe_cfg.QE_K, aqe_cfg.ALPHA)


def rerank(query: Tensor, gallery: Tensor, metric: str, rerank_cfg: CfgNode) -> np.ndarray:
    """k-reciprocal re-ranking (Zhong et al., CVPR 2017) as FastReID's evaluator has it, on a CPU.

    lambda x plain distance + (1 - lambda) x Jaccard distance of the k-reciprocal neighbourhoods.

    Args:
        query, gallery: features (Q, D) and (G, D).
        metric: of the plain distance: TEST.METRIC.
        rerank_cfg: TEST.RERANK.

    Returns:
        Distances (Q, G), float32.

    Raises:
        UserError: there are fewer images than neighbours asked for.
    """
    k1, k2, weight = rerank_cfg.K1, rerank_cfg.K2, rerank_cfg.LAMBDA
    num_images = len(query) + len(gallery)
    if num_images < k1:
        raise UserError(f"TEST.RERANK.K1 is {k1}; with {num_images} images, use fewer")
    _tell_memory(f"re-ranking (k1 {k1}, k2 {k2}, lambda {weight})", num_images, num_matrices=2)
    plain = DistanceRows(query, gallery, metric)
    features = torch.cat([query, gallery])
    if metric == "cosine":
        features = F.normalize(features, dim=1)
    jaccard = compute_jaccard_distance(features, k1, k2, search_option=_FAISS_ON_CPU)
    distances = jaccard[: len(query), len(query) :] * (1 - weight)
    for row, plain_row in zip(distances, plain, strict=True):
        row += plain_row * weight
    return distances


def _tell_memory(step: str, num_images: int, num_matrices: int) -> None:
    """Log what ``step`` takes; a warning where that is much."""
    size_gb = num_matrices * 4 * num_images**2 / 1e9
    level = logging.WARNING if size_gb > _MUCH_MEMORY_GB else logging.INFO
    logger.log(level, "%s of %d images: %.1f GB of memory for all pairs", step, num_images, size_gb)

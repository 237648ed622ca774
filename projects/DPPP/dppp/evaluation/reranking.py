"""k-reciprocal re-ranking (Zhong et al., "Re-ranking Person Re-identification", CVPR 2017).

| symbol | paper  | meaning |
| ------ | ------ | ------- |
| N      |        | Q + G: queries and gallery images, all compared with one another |
| k1     | k_1    | neighbors of an image, itself included |
| k2     | k_2    | neighbors whose vectors are averaged, itself included |
| R      | R(p,k) | Eq. 2: the k nearest of p that have p among their k nearest |
| R*     | R*     | Eq. 3: R(p, k1) and each R(q, k1/2), q in R(p, k1), that overlaps it by 2/3 |
| V      | V_p    | Eq. 7: a weight for each image of R*, 0 elsewhere; the weights sum to 1 |
| J      | d_J    | Eq. 10: Jaccard distance, 1 - sum of minima / sum of maxima of two V |

The result equals FastReID's ``compute_jaccard_distance``, details included: k1/2 is rounded and
increased by one, and V weighs with softmax(-squared distance). That function needs two dense N x N
matrices, 70 GB for MSMT17. Here the rows of V, which are mostly 0, are sparse, and J is computed
for one query at a time.
"""

from collections.abc import Iterator

import faiss
import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from .distances import DistanceRows

_CHUNK_SIZE = 4096


class RerankedRows(DistanceRows):
    """The rows (G,) of the re-ranked distances (Q, G), computed one by one as they are needed.

    lambda x plain distance + (1 - lambda) x J.

    Args:
        query, gallery: features (Q, D) and (G, D), float32, on the CPU; need not be normalized.
        metric: of the plain distance and of the neighbors: TEST.METRIC.
        k1, k2: as above, 1 or more; k1 at most N.
        plain_weight: lambda, 0..1.

    Raises:
        UserError: the metric is unknown.
    """

    def __init__(
        self,
        query: Tensor,
        gallery: Tensor,
        metric: str,
        *,
        k1: int,
        k2: int,
        plain_weight: float,
    ) -> None:
        super().__init__(query, gallery, metric)
        features = torch.cat([self._query, self._gallery]).numpy()
        _, nearest = faiss.knn(features, features, k1)
        vectors = _encode(features, nearest, k1, k2)
        self._query_vectors = vectors[: len(query)]
        self._gallery_vectors = vectors[len(query) :].tocsc()
        self._plain_weight = plain_weight

    def __iter__(self) -> Iterator[np.ndarray]:
        for index, plain in enumerate(super().__iter__()):
            yield self._jaccard(index) * (1 - self._plain_weight) + plain * self._plain_weight

    def _jaccard(self, index: int) -> np.ndarray:
        """Return J (G,), float32, 0..1, of one query."""
        vector = self._query_vectors[[index]]
        overlapping = self._gallery_vectors[:, vector.indices]
        weights = np.repeat(vector.data, np.diff(overlapping.indptr))
        minima = np.bincount(
            overlapping.indices,
            np.minimum(overlapping.data, weights),
            minlength=self.shape[1],
        )
        # Both sum to 1, so the maxima sum to 2 less the minima; rounding may give less than 0.
        return np.maximum(1 - minima / (2 - minima), 0).astype(np.float32)


def _encode(features: np.ndarray, nearest: np.ndarray, k1: int, k2: int) -> sparse.csr_array:
    """Return V (N, N), float32, of features (N, D) and their nearest images (N, k1), in order."""
    half = round(k1 / 2) + 1
    members = _expand(_reciprocal(nearest), _reciprocal(nearest[:, :half]))
    vectors = _weigh(features, members)
    if k2 == 1:  # no mean over the nearest image: among equal images it may not be itself
        return vectors
    averaged = _neighborhoods(nearest[:, :k2], np.float32)
    return (averaged @ vectors / min(k1, k2)).astype(np.float32)


def _neighborhoods(nearest: np.ndarray, dtype: type) -> sparse.csr_array:
    """Return (N, N): 1 if image j (column) is among the nearest (N, k) of image i (row), else 0."""
    num_images, k = nearest.shape
    starts = np.arange(0, nearest.size + 1, k)
    ones: np.ndarray = np.ones(nearest.size, dtype)
    return sparse.csr_array((ones, nearest.ravel(), starts), shape=(num_images, num_images))


def _reciprocal(nearest: np.ndarray) -> sparse.csr_array:
    """Return R of each image as a row of 0 and 1: (N, N), symmetric."""
    neighbors = _neighborhoods(nearest, np.int32)
    return neighbors.multiply(neighbors.T.tocsr()).tocsr()


def _expand(wide: sparse.csr_array, narrow: sparse.csr_array) -> sparse.csr_array:
    """Return R* of each image as the nonzeros of a row (N, N), from R(., k1) and R(., k1/2)."""
    sizes = narrow.sum(axis=1)
    parts = []
    for start in range(0, wide.shape[0], _CHUNK_SIZE):
        own = wide[start : start + _CHUNK_SIZE]
        overlap = (own @ narrow).multiply(own).tocsr()  # |R(p, k1) and R(q, k1/2)|, q in R(p, k1)
        overlap.data = (3 * overlap.data > 2 * sizes[overlap.indices]).astype(np.int32)
        parts.append(own + overlap @ narrow)
        parts[-1].eliminate_zeros()
    return sparse.vstack(parts, format="csr")


def _weigh(features: np.ndarray, members: sparse.csr_array) -> sparse.csr_array:
    """Return softmax(-squared distance), float32, at the nonzeros of ``members`` (N, N)."""
    weights = np.empty(members.nnz, dtype=np.float32)
    for index, (start, stop) in enumerate(
        zip(members.indptr[:-1], members.indptr[1:], strict=True)
    ):
        if start == stop:  # more equal images than neighbors: not even the image itself is one
            continue
        differences = features[members.indices[start:stop]] - features[index]
        squares = np.einsum("nd,nd->n", differences, differences)
        exponentials = np.exp(squares.min() - squares)
        weights[start:stop] = exponentials / exponentials.sum()
    return sparse.csr_array((weights, members.indices, members.indptr), shape=members.shape)

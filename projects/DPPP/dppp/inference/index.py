"""Search in a large gallery without comparing all of it, by an index of FAISS.

| symbol | meaning |
| ------ | ------- |
| Q, G   | queries, features of the gallery |
| d1     | width of a feature |
| hnsw   | a graph of neighbors (Malkov and Yashunin, 2018) |
| ivf    | an inverted file: the features near each of some centroids (Jegou et al., 2011) |

Both keep the features in float16 and only choose candidates: their cosines are computed from the
gallery's own features, so a hit has the same score whichever index found it. Sizes depend on G
alone, and one gallery always gives one index.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .nearest import blocks, nearest, unit

INDEXES = ("exact", "hnsw", "ivf")
RECALL_AT = 10
_SAMPLE = 100  # images of the gallery that recall is measured on
_SEED = 0
_TIE = 1e-6  # of cosines
# hnsw: links of a feature (twice as many at the bottom of the graph); candidates in building,
# FAISS's default, as a graph is built in one thread.
_NUM_LINKS, _NUM_BUILD_CANDIDATES = 32, 40
# ivf: the features a centroid that FAISS asks for, and the most that it is trained on here: a
# quarter of FAISS's own limit, and of its time.
_LEAST_PER_CENTROID, _TRAINED_PER_CENTROID = 39, 64


class Index(Protocol):
    """Finds the nearest features of the gallery (G, d1) that it was made for."""

    gallery: np.ndarray

    def nearest(self, queries: np.ndarray, num_hits: int) -> tuple[np.ndarray, np.ndarray]:
        """Return cosines, descending, and places, both (Q, min(num_hits, G)); see ``nearest``.

        Where fewer are found, the last places are -1.
        """


class ExactIndex:
    """Compares a query with the whole gallery."""

    def __init__(self, gallery: np.ndarray) -> None:
        self.gallery = gallery

    def nearest(self, queries: np.ndarray, num_hits: int) -> tuple[np.ndarray, np.ndarray]:
        """See ``Index``."""
        return nearest(queries, self.gallery, num_hits)


@dataclass(frozen=True, kw_only=True)
class IndexFacts:
    """What is known of an index since it was built.

    Attributes:
        recall: share of the 10 nearest images that it finds, 0..1, over ``num_sampled`` images.
        num_sampled: images of the gallery that it was measured on, the image itself not counted.
        build_sec: seconds of building.
    """

    recall: float
    num_sampled: int
    build_sec: float


class ApproximateIndex:
    """Compares a query with the candidates that an index of FAISS chooses.

    Attributes:
        gallery: features (G, d1), float32 or float16.
        index: FAISS's, of them.
        facts: what is known since it was built.
        origin: what it is and how it came here, as the beginning of a line.
    """

    def __init__(self, gallery: np.ndarray, index: Any, facts: IndexFacts, origin: str) -> None:
        self.gallery, self.index, self.facts, self.origin = gallery, index, facts, origin
        self._num_queries, self._seconds = 0, 0.0

    def nearest(self, queries: np.ndarray, num_hits: int) -> tuple[np.ndarray, np.ndarray]:
        """See ``Index``."""
        start = time.perf_counter()
        found = _find(self.index, queries, self.gallery, num_hits)
        self._seconds += time.perf_counter() - start
        self._num_queries += len(queries)
        return found

    def __str__(self) -> str:
        facts = self.facts
        searched = 1000 * self._seconds / max(self._num_queries, 1)
        return (
            f"{self.origin} in {facts.build_sec:.1f} s, recall@{RECALL_AT} {facts.recall:.3f} over "
            f"{facts.num_sampled} images of the gallery, {searched:.2f} ms a query"
        )


def build_index(kind: str, gallery: np.ndarray) -> tuple[Any, IndexFacts]:
    """Build an index of FAISS, and measure its recall.

    Args:
        kind: "hnsw" or "ivf".
        gallery: features (G, d1), float32 or float16, of length 1.
    """
    start = time.perf_counter()
    index = {"hnsw": _build_hnsw, "ivf": _build_ivf}[kind](gallery)
    seconds = time.perf_counter() - start
    sample = np.random.default_rng(_SEED).permutation(len(gallery))[:_SAMPLE]
    queries, number = gallery[sample], RECALL_AT + 1  # an image finds itself too
    exact = _without(sample, *nearest(queries, gallery, number))
    found = _without(sample, *_find(index, queries, gallery, number))
    share = recall(exact, found)
    return index, IndexFacts(recall=share, num_sampled=len(sample), build_sec=seconds)


def recall(exact: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    """Return the share of the nearest features that were found, 0..1; equally near ones count.

    Args:
        exact: cosines of each query's nearest features, descending.
        found: cosines of those that were found, no more.
    """
    right = sum(
        int((row >= best[-1] - _TIE).sum())
        for best, row in zip(exact, found, strict=True)
        if len(best)
    )
    return right / max(sum(map(len, exact)), 1) if any(map(len, exact)) else 1.0


def _without(own: np.ndarray, cosines: np.ndarray, places: np.ndarray) -> list[np.ndarray]:
    """Return the cosines of each query's best places but its own."""
    rows = zip(own, cosines, places, strict=True)
    return [row[(order != place) & (order >= 0)][:RECALL_AT] for place, row, order in rows]


def _find(
    index: Any, queries: np.ndarray, gallery: np.ndarray, num_hits: int
) -> tuple[np.ndarray, np.ndarray]:
    queries = unit(queries)
    _, places = index.search(queries, min(num_hits, len(gallery)))
    cosines = np.full(places.shape, -np.inf, np.float32)
    for query, row, found in zip(queries, cosines, places, strict=True):
        row[found >= 0] = unit(gallery[found[found >= 0]]) @ query
    order = np.argsort(-cosines, axis=1, kind="stable")
    return np.take_along_axis(cosines, order, 1), np.take_along_axis(places, order, 1)


def _build_hnsw(gallery: np.ndarray) -> Any:
    import faiss

    kind = f"HNSW{_NUM_LINKS},SQfp16"
    index: Any = faiss.index_factory(gallery.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _NUM_BUILD_CANDIDATES
    index.hnsw.efSearch = 8 * math.ceil(math.log2(len(gallery) + 1))
    index.train(unit(gallery[:1]))  # float16 needs no statistics, but FAISS asks for the call
    with _one_thread():
        for _, block in blocks(gallery):
            index.add(block)
    return index


def _build_ivf(gallery: np.ndarray) -> Any:
    import faiss

    number, width = gallery.shape
    num_centroids = max(min(round(2 * math.sqrt(number)), number // _LEAST_PER_CENTROID), 1)
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(width),
        width,
        num_centroids,
        faiss.ScalarQuantizer.QT_fp16,
        faiss.METRIC_INNER_PRODUCT,
        False,  # noqa: FBT003  store the features, not their differences from the centroids
    )
    index.nprobe = max(num_centroids // 32, 8)
    index.cp.seed, index.cp.min_points_per_centroid = _SEED, 1  # it warns of a tiny gallery
    index.cp.max_points_per_centroid = _TRAINED_PER_CENTROID
    sample = np.random.default_rng(_SEED).permutation(number)
    sample = np.sort(sample[: _TRAINED_PER_CENTROID * num_centroids])
    index.train(unit(gallery[sample]))
    for _, block in blocks(gallery):
        index.add(block)
    return index


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let FAISS add in one thread: with more, a graph depends on which of them is faster."""
    import faiss

    number = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(number)

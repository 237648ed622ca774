"""The most similar features of a gallery, by comparing all of them, in bounded memory.

| letter | meaning |
| ------ | ------- |
| Q, G   | queries, features of the gallery |
| d1     | width of a feature |
"""

from collections.abc import Iterator

import numpy as np

_BLOCK = 1 << 22  # numbers that are normalized and compared together: 16 MB, which caches hold


def nearest(
    queries: np.ndarray, gallery: np.ndarray, num_hits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the most similar gallery features of each query.

    Besides the arguments, the queries in float32 and a block of the gallery are in memory.

    Args:
        queries: features (Q, d1), float32 or float16, of length 1.
        gallery: features (G, d1) of the same kind.
        num_hits: how many to find.

    Returns:
        Cosine similarities, descending, and indices, both (Q, min(num_hits, G)).
    """
    import faiss

    queries = unit(queries)
    best = faiss.ResultHeap(len(queries), min(num_hits, len(gallery)), keep_max=True)
    for start, block in blocks(gallery):
        count = min(best.k, len(block))
        cosines, places = faiss.knn(queries, block, count, faiss.METRIC_INNER_PRODUCT)
        best.add_result(cosines, places + start)
    best.finalize()
    return best.D, best.I


def blocks(gallery: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the features (G, d1) of a gallery, as ``unit`` returns them, and where each begins."""
    size = max(_BLOCK // gallery.shape[1], 1)
    for start in range(0, len(gallery), size):
        yield start, unit(gallery[start : start + size])


def unit(features: np.ndarray) -> np.ndarray:
    """Return float32 features of length 1, which float16 rounds; a copy."""
    features = np.ascontiguousarray(features, dtype=np.float32)
    return features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)

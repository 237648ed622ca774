"""CMC, average precision and inverse negative penalty under the Market-1501 protocol.

| symbol | meaning |
| ------ | ------- |
| Q, G   | queries and gallery images |
| junk   | gallery images of the query's identity in the query's camera: taken out of its ranking |
| AP     | mean over a query's matches of (matches so far / rank of the match) |
| INP    | number of matches / rank of the last match |
"""

import numpy as np

from ..errors import UserError

_CHUNK = 256  # queries ranked at a time: bounds the memory at a few G-sized rows each


def evaluate_rank(
    distmat: np.ndarray,
    q_pids: np.ndarray,
    g_pids: np.ndarray,
    q_camids: np.ndarray,
    g_camids: np.ndarray,
    max_rank: int = 50,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of a distance matrix, as ``fastreid.evaluation.rank.evaluate_rank`` gives them.

    Args:
        distmat: (Q, G), smaller is closer.
        q_pids, q_camids: identity and camera of each query (Q,).
        g_pids, g_camids: of each gallery image (G,).
        max_rank: length of the CMC curve, at most G.

    Returns:
        cmc (min(max_rank, G),) in 0..1; AP and INP of the queries that have a match, in order.

    Raises:
        UserError: no query has a match in another camera.
    """
    num_gallery = distmat.shape[1]
    max_rank = min(max_rank, num_gallery)
    hits, precisions, penalties = np.zeros(max_rank), [], []
    for start in range(0, len(distmat), _CHUNK):
        rows = slice(start, start + _CHUNK)
        order = np.argsort(distmat[rows], axis=1)
        same = g_pids[order] == q_pids[rows, None]
        keep = ~(same & (g_camids[order] == q_camids[rows, None]))
        match = same & keep
        match = match[valid := match.any(axis=1)]
        rank = keep[valid].cumsum(axis=1)  # of each image among those that are not junk
        for is_match, ranks in zip(match, rank, strict=True):
            at = ranks[is_match]
            found = np.arange(1, len(at) + 1)
            precisions.append((found / at).mean())
            penalties.append(len(at) / at[-1])
            hits[at[0] - 1 :] += 1
    if not precisions:
        raise UserError(
            "no query has an image of its identity in another camera of the gallery, so nothing "
            "can be ranked; each held-out identity needs images from two cameras"
        )
    return (
        (hits / len(precisions)).astype(np.float32),
        np.asarray(precisions),
        np.asarray(penalties),
    )

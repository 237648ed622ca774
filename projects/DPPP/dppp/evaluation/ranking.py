"""CMC, average precision and inverse negative penalty under the Market-1501 protocol.

| symbol | meaning |
| ------ | ------- |
| Q, G   | queries and gallery images |
| match  | gallery image of the query's identity, from another camera |
| junk   | gallery image of the query's identity, from the query's camera: left out of its ranking |
| wrong  | gallery image of another identity |
| AP     | mean over a query's matches of (matches so far / rank of the match) |
| INP    | number of matches / rank of the last match |

The rank of the i-th nearest match is i plus the number of wrong images nearer than it, so the
gallery is never put in order: the sorted values of the wrong distances tell that number. Sorting
values takes a fifth of the time of sorting indices.

Where a match is exactly as far as a wrong image, their order is not defined: FastReID takes the
one that ``numpy.argsort`` happens to give, the same in its Python and its compiled version. Such
rows, and only they, are ranked by the same call, so they score as FastReID's on the same machine.
Ties among matches, among wrong images, or with junk change nothing.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import UserError
from .distances import DistanceRows


def evaluate_rank(
    distmat: np.ndarray | DistanceRows,
    q_pids: np.ndarray,
    g_pids: np.ndarray,
    q_camids: np.ndarray,
    g_camids: np.ndarray,
    max_rank: int = 50,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of a distance matrix, as ``fastreid.evaluation.rank.evaluate_rank`` gives them.

    It holds a few rows of G numbers beside ``distmat``.

    Args:
        distmat: (Q, G), smaller is closer; a matrix, or rows made as they are needed.
        q_pids, q_camids: identity and camera of each query (Q,).
        g_pids, g_camids: of each gallery image (G,).
        max_rank: length of the CMC curve, at most G.

    Returns:
        cmc (min(max_rank, G),) in 0..1, float32; AP and INP, float64, of the queries that have a
        match, in order. The other queries count nowhere, as in FastReID.

    Raises:
        UserError: no query has a match, or the labels are not those of ``distmat``.
    """
    hits = np.zeros(min(max_rank, len(g_pids)), dtype=np.int64)
    precisions, penalties = [], []
    for row, match, wrong in split_rows(distmat, q_pids, g_pids, q_camids, g_camids):
        if not match.any():
            continue
        ranks = _ranks_of_matches(row, match, wrong)
        found = np.arange(1, len(ranks) + 1)
        precisions.append((found / ranks).mean())
        penalties.append(len(ranks) / ranks[-1])
        hits[ranks[0] - 1 :] += 1
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


def split_rows(
    distmat: np.ndarray | DistanceRows,
    q_pids: np.ndarray,
    g_pids: np.ndarray,
    q_camids: np.ndarray,
    g_camids: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each query: its distances (G,), which images match and which are wrong (G,), bool.

    Raises:
        UserError: the labels are not those of ``distmat``.
    """
    labels = (len(q_pids), len(q_camids)), (len(g_pids), len(g_camids))
    if labels != tuple((n, n) for n in distmat.shape):
        raise UserError(
            f"distances of shape {tuple(distmat.shape)} with {labels[0]} identities and cameras "
            f"of queries and {labels[1]} of gallery images; the numbers must agree"
        )
    g_pids, g_camids = np.asarray(g_pids), np.asarray(g_camids)
    for row, pid, camera in zip(distmat, q_pids, q_camids, strict=True):
        same = g_pids == pid
        yield row, same & (g_camids != camera), ~same


def labels_of(
    query: Sequence[tuple], gallery: Sequence[tuple]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return q_pids, g_pids, q_camids, g_camids, (Q,) or (G,), of (path, pid, camera) items."""
    q_pids, g_pids, q_camids, g_camids = (
        np.array([item[field] for item in items]) for field in (1, 2) for items in (query, gallery)
    )
    return q_pids, g_pids, q_camids, g_camids


def have_match(
    q_pids: np.ndarray, g_pids: np.ndarray, q_camids: np.ndarray, g_camids: np.ndarray
) -> np.ndarray:
    """Whether each query has a match (Q,), bool: the scores are the means of those that do."""
    return np.array(
        [
            bool(((g_pids == pid) & (g_camids != camera)).any())
            for pid, camera in zip(q_pids, q_camids, strict=True)
        ],
        dtype=bool,
    )


def _ranks_of_matches(row: np.ndarray, match: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Ranks (R,) of the R matches among the images that are not junk, from 1, ascending."""
    own = np.sort(row[match])
    others = np.sort(row[wrong & ~(row > own[-1])])  # those farther than every match do not count
    nearer = np.searchsorted(others, own, side="left")
    if np.array_equal(nearer, np.searchsorted(others, own, side="right")):
        return nearer + np.arange(1, len(own) + 1)
    order = np.argsort(row)  # a match is as far as a wrong image: see above
    return np.flatnonzero(match[order][(match | wrong)[order]]) + 1

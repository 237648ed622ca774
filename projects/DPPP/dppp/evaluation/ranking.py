"""CMC, average precision and inverse negative penalty under the Market-1501 protocol.

| symbol | meaning |
| ------ | ------- |
| Q, G   | queries and gallery images |
| match  | gallery image of the query's identity, from another camera |
| junk   | gallery image of the query's identity, from the query's camera: not ranked |
| wrong  | gallery image of another identity |
| AP     | mean over a query's matches of (matches so far / rank of the match) |
| INP    | number of matches / rank of the last match |

The rank of the i-th nearest match is i plus the number of wrong images nearer than it. The sorted
distances of the wrong images give that number, so the gallery itself is never sorted: sorting
values takes a fifth of the time of sorting indices.

If a match is exactly as far as a wrong image, their order is undefined. FastReID takes the order
that ``numpy.argsort`` happens to give, both in its Python and in its compiled version. Such rows,
and only these, are ranked by the same call, so their scores equal FastReID's on the same machine.
Ties among matches, among wrong images, or with junk change nothing.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import UserError
from .distances import DistanceRows


def evaluate_rank(  # noqa: PLR0917  FastReID's signature
    distmat: np.ndarray | DistanceRows,
    q_pids: np.ndarray,
    g_pids: np.ndarray,
    q_camids: np.ndarray,
    g_camids: np.ndarray,
    max_rank: int = 50,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the scores of a distance matrix, equal to FastReID's ``evaluate_rank``.

    In addition to ``distmat``, a few rows of G numbers are in memory.

    Args:
        distmat: (Q, G), smaller is closer; a matrix, or rows computed as they are needed.
        q_pids: identity of each query (Q,).
        g_pids: identity of each gallery image (G,).
        q_camids: camera of each query (Q,).
        g_camids: camera of each gallery image (G,).
        max_rank: length of the CMC curve, at most G.

    Returns:
        cmc (min(max_rank, G),) in 0..1, float32; AP and INP, float64, of the queries that have a
        match, in order. The other queries are ignored, as in FastReID.

    Raises:
        UserError: no query has a match, or the labels do not fit ``distmat``.
    """
    hits = np.zeros(min(max_rank, len(g_pids)), dtype=np.int64)
    precisions, penalties = [], []
    for row, match, wrong in split_rows(distmat, q_pids, g_pids, q_camids, g_camids):
        if not match.any():
            continue
        ranks = _ranks_of_matches(row, match, wrong)
        num_matches = np.arange(1, len(ranks) + 1)  # down to each match, itself included
        precisions.append((num_matches / ranks).mean())
        penalties.append(len(ranks) / ranks[-1])
        hits[ranks[0] - 1 :] += 1
    if not precisions:
        raise UserError(
            "no query has a gallery image of its identity from another camera, so nothing can be "
            "ranked; each held-out identity needs images from two cameras"
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
    """Yield for each query its distances (G,), and which images match and which are wrong (G,).

    Raises:
        UserError: the labels do not fit ``distmat``.
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
    """Return whether each query has a match (Q,), bool; scores are means over those that do."""
    return np.array(
        [
            bool(((g_pids == pid) & (g_camids != camera)).any())
            for pid, camera in zip(q_pids, q_camids, strict=True)
        ],
        dtype=bool,
    )


def _ranks_of_matches(row: np.ndarray, match: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Return the ranks (R,) of the R matches, without junk, from 1, ascending."""
    own = np.sort(row[match])
    others = np.sort(row[wrong & ~(row > own[-1])])  # the farther ones change no rank
    nearer = np.searchsorted(others, own, side="left")
    if np.array_equal(nearer, np.searchsorted(others, own, side="right")):
        return nearer + np.arange(1, len(own) + 1)
    order = np.argsort(row)  # a match ties with a wrong image: see above
    return np.flatnonzero(match[order][(match | wrong)[order]]) + 1

"""True-positive rates at FastReID's false-positive rates, without a list of all pairs.

FastReID's ``evaluate_roc`` scores each pair of a query and a gallery image by its distance, and
calls pairs of different identities "positive". The curve changes only at matching pairs, which are
few. So the other pairs are counted between them, and scikit-learn gets the counts as weights.
"""

import numpy as np

from .distances import DistanceRows
from .ranking import split_rows

_FALSE_POSITIVE_RATES = (1e-4, 1e-3, 1e-2)


def true_positive_rates(
    distmat: np.ndarray | DistanceRows,
    q_pids: np.ndarray,
    g_pids: np.ndarray,
    q_camids: np.ndarray,
    g_camids: np.ndarray,
) -> dict[str, float]:
    """Return "TPR@FPR=1e-04" and so on, 0..1, as FastReID's evaluator reports them.

    Args:
        distmat: (Q, G), a matrix or rows; it is iterated over twice.
        q_pids: identity of each query (Q,).
        g_pids: identity of each gallery image (G,).
        q_camids: camera of each query (Q,).
        g_camids: camera of each gallery image (G,).
    """
    from sklearn.metrics import roc_curve

    labels = q_pids, g_pids, q_camids, g_camids
    matching = np.concatenate([row[match] for row, match, _ in split_rows(distmat, *labels)])
    levels, num_matching = np.unique(matching, return_counts=True)
    # Slot 2i + 1 is at level i, slot 2i between levels i - 1 and i.
    num_wrong = np.zeros(2 * len(levels) + 1, dtype=np.int64)
    for row, _, wrong in split_rows(distmat, *labels):
        others = np.sort(row[wrong])
        slots = np.searchsorted(levels, others) + np.searchsorted(levels, others, side="right")
        num_wrong += np.bincount(slots, minlength=len(num_wrong))

    at_level, filled = 2 * np.arange(len(levels)) + 1, np.flatnonzero(num_wrong)
    false, true, _ = roc_curve(
        np.repeat([0, 1], [len(levels), len(filled)]),
        np.concatenate([at_level, filled]),
        sample_weight=np.concatenate([num_matching, num_wrong[filled]]),
    )
    return {
        f"TPR@FPR={rate:.0e}": float(true[np.argmin(np.abs(false - rate))])
        for rate in _FALSE_POSITIVE_RATES
    }

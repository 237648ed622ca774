"""Scores of a random ranking: exact expectations, no sampling."""

from math import comb

import numpy as np


def chance_level(
    q_pids: np.ndarray, g_pids: np.ndarray, q_camids: np.ndarray, g_camids: np.ndarray
) -> dict[str, float]:
    """Return Rank-1, Rank-5 and mAP (percent) expected of a uniformly random gallery order.

    With R matches among N ranked images, the first r hold none with probability
    C(N-R, r) / C(N, r), and E[AP] = 1/N sum_{i=1..N} 1/i (1 + (i-1)(R-1)/(N-1)).

    Args:
        q_pids: identity of each query (Q,).
        g_pids: identity of each gallery image (G,).
        q_camids: camera of each query (Q,).
        g_camids: camera of each gallery image (G,).
    """
    rank1, rank5, precision = [], [], []
    for pid, camera in zip(q_pids, q_camids, strict=True):
        same = g_pids == pid
        ranked = int((~(same & (g_camids == camera))).sum())
        matches = int((same & (g_camids != camera)).sum())
        if not matches:
            continue
        rank1.append(matches / ranked)
        rank5.append(1 - comb(ranked - matches, 5) / comb(ranked, 5) if ranked >= 5 else 1.0)
        positions = np.arange(1, ranked + 1)
        rate = (matches - 1) / max(ranked - 1, 1)
        precision.append(((1 + (positions - 1) * rate) / positions).mean())
    return {
        "Rank-1": 100 * float(np.mean(rank1)),
        "Rank-5": 100 * float(np.mean(rank5)),
        "mAP": 100 * float(np.mean(precision)),
    }

"""Folds and weave of cloth: what differs from image to image, unlike pattern and color.

Cloth falls differently with every step. Each cell moves the tile of a part to another place, so
that no image of a person shows the folds of another one.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

_MARGIN = 3  # cells of a coarse field around it, as many as cubic interpolation looks at
DEPTH = 0.16  # how much darker or lighter a fold of strength 1 is


@lru_cache(maxsize=32)
def fold_tile(height: int, width: int) -> np.ndarray:
    """Return folds and weave that close around and continue from bottom to top.

    Args:
        height: in texels.
        width: in texels.

    Returns:
        (2, height, width) float32: soft creases of about -1..1, longer across than along, and
        noise of unit deviation; always the same.
    """
    rng = np.random.default_rng([height, width])
    coarse = _closed((max(3, height // 22), max(3, width // 26)), (height, width), rng)
    fine = _closed((max(4, height // 9), max(4, width // 16)), (height, width), rng)
    folds = np.clip(0.6 * coarse + 0.45 * fine, -1.6, 1.6)
    weave = rng.standard_normal((height, width), np.float32)
    return np.stack([folds, weave])


def _closed(size: tuple[int, int], shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(height, width) float32: smooth noise of about unit deviation, as many blotches as asked."""
    field = np.pad(rng.standard_normal(size, np.float32), _MARGIN, mode="wrap")
    (down, across), (height, width) = size, shape
    y = (np.arange(height, dtype=np.float32) + 0.5) * (down / height) - 0.5 + _MARGIN
    x = (np.arange(width, dtype=np.float32) + 0.5) * (across / width) - 0.5 + _MARGIN
    places = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return cv2.remap(field, *places, cv2.INTER_CUBIC)

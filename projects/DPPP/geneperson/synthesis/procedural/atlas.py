"""The textures of one identity, and the texture coordinates of a sweep.

A shape carries a texture in its own coordinates: u runs around it (0.5 = front, rising towards the
person's left), v along it from its start or top. What is painted there turns with the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .folds import fold_tile

# A sweep has rounded ends, so its texture reaches beyond both by this share of its length.
_BEYOND = 0.35


def rows_along(rows: int) -> np.ndarray:
    """(rows, 1) place along the axis of each row of a sweep's texture; 0..1 is between its ends."""
    return ((np.arange(rows)[:, None] + 0.5) / rows) * (1.0 + 2.0 * _BEYOND) - _BEYOND


def sweep_v(place: np.ndarray) -> np.ndarray:
    """Return the v of places along a sweep's axis, the inverse of :func:`rows_along`."""
    return (place + _BEYOND) * (1.0 / (1.0 + 2.0 * _BEYOND))


@dataclass(frozen=True, kw_only=True)
class Texture:
    """The part of the atlas that holds one picture, row by row.

    Attributes:
        offset: where it starts among the colors.
        folds: where a tile of folds of its size starts; the tile is there twice in each direction,
            so each of its rows is twice as long as one of the picture.
        height: in texels.
        width: in texels.
    """

    offset: int
    folds: int
    height: int
    width: int


class Atlas:
    """All textures of one identity in one flat list of colors."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._size = 0
        self._tiles: dict[tuple[int, int], int] = {}
        self._tiles_size = 0

    def add(self, image: np.ndarray) -> Texture:
        """Store a picture.

        Args:
            image: (h, w, 3) RGB 0..255, or (h, w, 4) with the strength of the folds, 0..1, where it
                shows cloth.
        """
        height, width, channels = image.shape
        part: np.ndarray = np.zeros((height, width, 4), np.float32)
        np.clip(image, 0.0, 255.0, out=part[:, :, :channels])
        if height > 1 and width > 1:  # a pixel shows about 2 x 2 texels at once
            part = cv2.GaussianBlur(part, (3, 3), 0.0)
        if (height, width) not in self._tiles:
            self._tiles[height, width] = self._tiles_size
            self._tiles_size += 4 * height * width
        texture = Texture(
            offset=self._size, folds=self._tiles[height, width], height=height, width=width
        )
        self._parts.append(part.reshape(-1, 4))
        self._size += height * width
        return texture

    def colors(self) -> np.ndarray:
        """Return all texels, (N, 4) float32: RGB 0..255, and the strength of the folds 0..1."""
        return np.concatenate(self._parts)

    def folds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return folds and weave of all tiles, (M,) float32 each; see :func:`fold_tile`."""
        return _all_folds(tuple(self._tiles))


@lru_cache(maxsize=8)
def _all_folds(sizes: tuple[tuple[int, int], ...]) -> tuple[np.ndarray, np.ndarray]:
    tiles = [np.tile(fold_tile(*size), (1, 2, 2)).reshape(2, -1) for size in sizes]
    folds, weave = np.concatenate(tiles, axis=1)
    return folds, 0.5 * weave  # of the 2 x 2 texels that a pixel shows, their mean

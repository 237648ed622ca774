"""The textures of one identity, and the texture coordinates of a sweep.

A shape carries a texture in its own coordinates: u runs around it (0.5 = front, rising towards the
person's left), v along it from its start or top. What is painted there turns with the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A sweep has rounded ends, so its texture reaches beyond both by this share of its length.
_BEYOND = 0.35


def rows_along(rows: int) -> np.ndarray:
    """(rows, 1) place along the axis of each row of a sweep's texture; 0..1 is between its ends."""
    return ((np.arange(rows)[:, None] + 0.5) / rows) * (1.0 + 2.0 * _BEYOND) - _BEYOND


def sweep_v(place: np.ndarray) -> np.ndarray:
    """Return the v of places along a sweep's axis, the inverse of :func:`rows_along`."""
    return (place + _BEYOND) * (1.0 / (1.0 + 2.0 * _BEYOND))


@dataclass(frozen=True)
class Texture:
    """The part of the atlas that holds one picture, row by row from ``offset``."""

    offset: int
    height: int
    width: int

    def index(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return positions in the atlas for u, v in 0..1."""
        column = np.clip((u * self.width).astype(np.int32), 0, self.width - 1)
        row = np.clip((v * self.height).astype(np.int32), 0, self.height - 1)
        return self.offset + row * self.width + column


class Atlas:
    """All textures of one identity in one flat list of colors."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._size = 0

    def add(self, image: np.ndarray) -> Texture:
        """Store an (h, w, 3) picture, RGB 0..255."""
        height, width = image.shape[:2]
        texture = Texture(self._size, height, width)
        self._parts.append(np.clip(image, 0.0, 255.0).reshape(-1, 3).astype(np.float32))
        self._size += height * width
        return texture

    def colors(self) -> np.ndarray:
        """Return all colors, (N, 3) float32 RGB 0..255."""
        return np.concatenate(self._parts)

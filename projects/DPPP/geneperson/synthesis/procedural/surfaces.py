"""The depth buffer that curved shapes are drawn into.

Frame: pixels of one cell's (supersampled) buffer, x right, y down, z towards the camera; the
projection is orthographic, so a pixel's color is that of the frontmost surface over it.
"""

from __future__ import annotations

import math

import numpy as np

from .atlas import Texture, sweep_v
from .sections import Axis, Profile, Sections

_EMPTY = np.float32(-1e9)


class DepthBuffer:
    """Frontmost depth, normal and texture position of every pixel of one cell."""

    def __init__(self, height: int, width: int) -> None:
        self.depth = np.full((height, width), _EMPTY, np.float32)
        self.normal = np.zeros((3, height, width), np.float32)
        self.texel = np.full((height, width), -1, np.int32)
        self._x = np.arange(width, dtype=np.float32) + 0.5
        self._y = (np.arange(height, dtype=np.float32) + 0.5)[:, None]

    def sweep(
        self,
        start: np.ndarray,
        end: np.ndarray,
        shape: Profile,
        texture: Texture,
        *,
        unit: float,
        turn: tuple[float, float],
        over: bool = False,
    ) -> None:
        """Draw a tube with elliptic sections.

        Args:
            start: (3,) first end of its axis in buffer pixels.
            end: (3,) other end.
            shape: its sections.
            texture: what is painted on it.
            unit: pixels per body height.
            turn: (cosine, sine) of the person's azimuth, which orients the sections.
            over: hide what was drawn before, however near it is: cloth gives way to a leg under it.
        """
        reach = unit * float(max(shape.side.max(), shape.front.max()) + np.abs(shape.forward).max())
        window = self._window(
            min(start[0], end[0]) - reach, max(start[0], end[0]) + reach,
            min(start[1], end[1]) - reach, max(start[1], end[1]) + reach,
        )  # fmt: skip
        if window is None:
            return
        axis = Axis.between(start, end)
        sections = Sections(shape, axis, unit=unit, turn=turn)
        ex, ey = axis.direction
        rows, columns = window
        x, y = self._x[columns] - float(start[0]), self._y[rows] - float(start[1])
        along = x * ex + y * ey
        across = x * ey - y * ex
        # Rows of the tables; what is beyond them takes the last row, which no ray hits.
        place = (along - (sections.first - 0.5)).astype(np.int32)
        across -= sections.center_s.take(place, mode="clip")
        k2, k3 = sections.k2.take(place, mode="clip"), sections.k3.take(place, mode="clip")
        inside = k2 - k3 * across * across
        front = sections.k1.take(place, mode="clip") * across + np.sqrt(np.maximum(inside, 0.0))
        depth = sections.center_z.take(place, mode="clip") + front * (1.0 / axis.tilt)
        visible = inside > 0.0
        if not over:
            visible &= depth > self.depth[window]
        win = np.flatnonzero(visible)
        if not win.size:
            return
        place = np.clip(place.ravel()[win], 0, len(sections.k1) - 1)
        normal, u = sections.normal_and_u(place, across.ravel()[win], front.ravel()[win])
        depth = depth.ravel()[win]
        length, rise = axis.length, axis.rise
        v = along.ravel()[win] * length + (depth - axis.start_z) * rise
        v = sweep_v(v / (length * length + rise * rise))
        self._write(window, win, depth, normal, texture.index(u, v))

    def ellipsoid(
        self, center: np.ndarray, axes: np.ndarray, radii: np.ndarray, texture: Texture
    ) -> None:
        """Draw an ellipsoid.

        Args:
            center: (3,) in buffer pixels.
            axes: (3, 3) rows are the unit vectors left, up and forward of the shape.
            radii: (3,) half lengths along these, in pixels.
            texture: what is painted on it; v runs from its top to its bottom.
        """
        to_unit = (axes / radii[:, None]).astype(np.float32)  # (3, 3): q = to_unit @ d
        reach = np.sqrt(((axes[:, :2] * radii[:, None]) ** 2).sum(axis=0))
        window = self._window(
            center[0] - reach[0], center[0] + reach[0], center[1] - reach[1], center[1] + reach[1]
        )
        if window is None:
            return
        rows, columns = window
        x, y = self._x[columns] - float(center[0]), self._y[rows] - float(center[1])
        gram = (to_unit.T @ to_unit).astype(float)
        half = gram[0, 2] * x + gram[1, 2] * y
        rest = gram[0, 0] * x * x + gram[1, 1] * y * y + (2.0 * gram[0, 1]) * x * y - 1.0
        inside = half * half - gram[2, 2] * rest
        depth = (np.sqrt(np.maximum(inside, 0.0)) - half) * (1.0 / gram[2, 2])
        win = np.flatnonzero((inside > 0.0) & (depth + float(center[2]) > self.depth[window]))
        if not win.size:
            return
        width = x.shape[-1]
        offset = np.stack([x[win % width], y[win // width, 0], depth.ravel()[win]])
        unit_sphere = to_unit @ offset
        normal = to_unit.T @ unit_sphere
        normal /= np.sqrt((normal * normal).sum(axis=0))
        u = np.arctan2(unit_sphere[0], unit_sphere[2]) * (0.5 / math.pi) + 0.5
        v = 0.5 - 0.5 * unit_sphere[1]
        self._write(window, win, offset[2] + float(center[2]), normal, texture.index(u, v))

    def _window(
        self, left: float, right: float, top: float, bottom: float
    ) -> tuple[slice, slice] | None:
        height, width = self.depth.shape
        x0, x1 = max(0, int(left) - 1), min(width, int(right) + 2)
        y0, y1 = max(0, int(top) - 1), min(height, int(bottom) + 2)
        return (slice(y0, y1), slice(x0, x1)) if x0 < x1 and y0 < y1 else None

    def _write(
        self,
        window: tuple[slice, slice],
        win: np.ndarray,
        depth: np.ndarray,
        normal: np.ndarray,
        texel: np.ndarray,
    ) -> None:
        """Store the points of a shape; ``win`` holds their flat positions in the window."""
        rows, columns = window
        width = self.depth.shape[1]
        inner = columns.stop - columns.start
        flat = (win // inner + rows.start) * width + (win % inner + columns.start)
        self.depth.ravel()[flat] = depth
        self.texel.ravel()[flat] = texel
        self.normal.reshape(3, -1)[:, flat] = normal

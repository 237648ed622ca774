"""Curved shapes, their textures, and the depth buffer they are drawn into.

Frame: pixels of one cell's (supersampled) buffer, x right, y down, z towards the camera; the
projection is orthographic, so a pixel's colour is that of the frontmost surface over it.

A shape carries a texture in its own coordinates: u runs around it (0.5 = front, rising towards the
person's left), v along it from its start or top. What is painted there turns with the person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_EMPTY = np.float32(-1e9)
_STEPS = 33  # samples of a profile along its axis
_BEYOND = 0.35  # a sweep's texture goes on over its rounded ends by this share of its length
_MIN_FORESHORTENING = 0.45  # a limb that points at the camera is drawn as if tilted by 63 degrees


def rows_along(rows: int) -> np.ndarray:
    """(rows, 1) place along the axis of each row of a sweep's texture; 0..1 is between its ends."""
    return ((np.arange(rows)[:, None] + 0.5) / rows) * (1.0 + 2.0 * _BEYOND) - _BEYOND


class Atlas:
    """All textures of one identity in one flat list of colours."""

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
        """(N, 3) float32."""
        return np.concatenate(self._parts)


@dataclass(frozen=True)
class Texture:
    """Where a picture lies in the atlas."""

    offset: int
    height: int
    width: int

    def index(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Positions in the atlas for u, v in 0..1."""
        column = np.clip((u * self.width).astype(np.int32), 0, self.width - 1)
        row = np.clip((v * self.height).astype(np.int32), 0, self.height - 1)
        return self.offset + row * self.width + column


@dataclass(frozen=True)
class Profile:
    """Elliptic cross-sections along an axis, in units of the body height.

    Attributes:
        side: (33,) half width across the body.
        front: (33,) half depth.
        forward: (33,) how far the section's centre lies before the axis.
        round_start, round_end: whether the ends are rounded or cut flat.
    """

    side: np.ndarray
    front: np.ndarray
    forward: np.ndarray
    round_start: bool = True
    round_end: bool = True


def profile(*knots: tuple[float, ...], round_start: bool = True, round_end: bool = True) -> Profile:
    """A profile from knots (v, side[, front[, forward]]); front defaults to side, forward to 0."""
    full = np.array([(k[0], k[1], k[2] if len(k) > 2 else k[1], k[3] if len(k) > 3 else 0.0)
                     for k in knots])  # fmt: skip
    v = np.linspace(0.0, 1.0, _STEPS)
    side, front, forward = (np.interp(v, full[:, 0], full[:, i]) for i in (1, 2, 3))
    return Profile(_smooth(side), _smooth(front), _smooth(forward), round_start, round_end)


def _smooth(values: np.ndarray) -> np.ndarray:
    padded = np.concatenate([values[:1], values[:1], values, values[-1:], values[-1:]])
    return np.convolve(padded, (0.1, 0.2, 0.4, 0.2, 0.1), "valid")


class DepthBuffer:
    """Frontmost depth, normal and texture position of every pixel of one cell."""

    def __init__(self, height: int, width: int):
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
        unit: float,
        turn: tuple[float, float],
        texture: Texture,
        over: bool = False,
    ) -> None:
        """Draw a tube with elliptic sections from `start` to `end`, (3,) each in buffer pixels.

        Args:
            unit: pixels per body height.
            turn: (cosine, sine) of the person's azimuth, which orients the sections.
            over: hide what was drawn before, however near it is: cloth gives way to a leg under it.
        """
        dx, dy, dz = (float(d) for d in end - start)
        flat = max(math.hypot(dx, dy), 1.0)
        ex, ey = dx / flat, dy / flat
        if abs(dx) + abs(dy) < 1e-3:
            ex, ey = 0.0, 1.0
        whole = math.hypot(flat, dz)
        tilt = max(flat / whole, _MIN_FORESHORTENING)
        tables = _section_tables(shape, unit, turn, flat, float(start[2]), dz, tilt)
        first, center_s, center_z, k1, k2, k3, _, _, _ = tables
        reach = unit * float(max(shape.side.max(), shape.front.max()) + np.abs(shape.forward).max())
        window = self._window(
            min(start[0], end[0]) - reach, max(start[0], end[0]) + reach,
            min(start[1], end[1]) - reach, max(start[1], end[1]) + reach,
        )  # fmt: skip
        if window is None:
            return
        rows, columns = window
        x, y = self._x[columns] - float(start[0]), self._y[rows] - float(start[1])
        along = x * ex + y * ey
        across = x * ey - y * ex
        place = (along - (first - 0.5)).astype(np.int32)  # rows of the tables; ends are sentinels
        across -= center_s.take(place, mode="clip")
        inside = k2.take(place, mode="clip") - k3.take(place, mode="clip") * across * across
        root = np.sqrt(np.maximum(inside, 0.0))
        front = k1.take(place, mode="clip") * across + root
        depth = center_z.take(place, mode="clip") + front * (1.0 / tilt)
        visible = inside > 0.0
        if not over:
            visible &= depth > self.depth[window]
        win = np.flatnonzero(visible)
        if not win.size:
            return
        place = np.clip(place.ravel()[win], 0, len(k1) - 1)
        sections = _Sections(tables, turn, tilt, (ex, ey))
        normal, u = sections.normal_and_u(place, across.ravel()[win], front.ravel()[win])
        depth = depth.ravel()[win]
        v = (along.ravel()[win] * flat + (depth - float(start[2])) * dz) / (flat * flat + dz * dz)
        v = (v + _BEYOND) * (1.0 / (1.0 + 2.0 * _BEYOND))
        self._write(window, win, depth, normal, texture.index(u, v))

    def ellipsoid(
        self, center: np.ndarray, axes: np.ndarray, radii: tuple[float, float, float],
        texture: Texture,
    ) -> None:  # fmt: skip
        """Draw an ellipsoid.

        Args:
            center: (3,) in buffer pixels.
            axes: (3, 3) rows are the unit vectors left, up and forward of the shape.
            radii: half lengths along these, in pixels.
        """
        to_unit = (axes / np.array(radii)[:, None]).astype(np.float32)  # (3, 3): q = to_unit @ d
        reach = np.sqrt(((axes[:, :2] * np.array(radii)[:, None]) ** 2).sum(axis=0))
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
        self, window: tuple[slice, slice], win: np.ndarray, depth: np.ndarray,
        normal: np.ndarray, texel: np.ndarray,
    ) -> None:  # fmt: skip
        rows, columns = window
        width = self.depth.shape[1]
        inner = columns.stop - columns.start
        flat = (win // inner + rows.start) * width + (win % inner + columns.start)
        self.depth.ravel()[flat] = depth
        self.texel.ravel()[flat] = texel
        self.normal.reshape(3, -1)[:, flat] = normal


def _section_tables(
    shape: Profile, unit: float, turn: tuple[float, float], flat: float,
    start_z: float, dz: float, tilt: float,
) -> tuple:  # fmt: skip
    """Everything about a sweep's sections that depends on the place along the axis, per pixel.

    A section is (p/a)^2 + (q/b)^2 = 1 in the person's (left, front) directions. Seen from the
    azimuth, its front half is w = k1 s + sqrt(k2 - k3 s^2) over the offset s across the axis.

    Returns:
        first place (pixels from the start), centre across, centre depth, k1, k2, k3, a, b, and the
        relative growth of the section per pixel; a sentinel row with k2 = -1 at both ends.
    """
    cos, sin = turn
    side, front = shape.side * unit, shape.front * unit
    cap0 = 0.5 * (side[0] + front[0]) if shape.round_start else 0.0
    cap1 = 0.5 * (side[-1] + front[-1]) if shape.round_end else 0.0
    first, last = -math.ceil(cap0) - 1, math.ceil(flat + cap1) + 1
    place = np.arange(first, last + 1, dtype=np.float32)
    steps = np.clip(place / flat, 0.0, 1.0) * (_STEPS - 1)
    low = np.minimum(steps.astype(np.int32), _STEPS - 2)
    part = steps - low
    curves = np.stack([side, front, shape.forward * unit])
    a, b, forward = curves[:, low] * (1.0 - part) + curves[:, low + 1] * part
    beyond = np.where(place < 0.0, place / max(cap0, 1e-3), 0.0)
    beyond = np.where(place > flat, (place - flat) / max(cap1, 1e-3), beyond)
    rounding = np.sqrt(np.maximum(1.0 - beyond * beyond, 0.0))
    valid = rounding > 0.0
    valid[[0, -1]] = False
    a, b = np.maximum(a * rounding, 0.05), np.maximum(b * rounding, 0.05)
    r = (sin / a) ** 2 + (cos / b) ** 2
    q = sin * cos * (1.0 / (b * b) - 1.0 / (a * a))
    growth = np.gradient(np.log(a * b)) * 0.5
    tables = (
        forward * sin,
        start_z + np.clip(place, -cap0, flat + cap1) * (dz / flat) + forward * cos / tilt,
        -q / r,
        np.where(valid, 1.0 / r, -1.0),
        1.0 / (a * b * r) ** 2,
        a,
        b,
        growth,
    )
    return (first, *(table.astype(np.float32) for table in tables))


class _Sections:
    """Normals and texture angle of points on a sweep."""

    def __init__(
        self, tables: tuple, turn: tuple[float, float], tilt: float, axis: tuple[float, float]
    ):
        _, self._center_s, self._center_z, _, _, _, self._a, self._b, self._growth = tables
        self._turn, self._tilt, self._axis = turn, tilt, axis

    def normal_and_u(
        self, place: np.ndarray, across: np.ndarray, front: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(3, n) unit normals and (n,) u for points given by table row and section coordinates."""
        cos, sin = self._turn
        ex, ey = self._axis
        a, b = self._a[place], self._b[place]
        left = (across * cos - front * sin) / a
        ahead = (across * sin + front * cos) / b
        u = np.arctan2(left, ahead) * np.float32(0.5 / math.pi) + np.float32(0.5)
        left, ahead = left / a, ahead / b
        grow_s = left * cos + ahead * sin
        grow_z = (ahead * cos - left * sin) * self._tilt
        slope_s, slope_z = np.gradient(self._center_s), np.gradient(self._center_z)
        grow_t = -slope_s[place] * grow_s - slope_z[place] * grow_z - self._growth[place]
        normal = np.stack([grow_s * ey + grow_t * ex, grow_t * ey - grow_s * ex, grow_z])
        normal /= np.sqrt((normal * normal).sum(axis=0)) + np.float32(1e-12)
        return normal, u

"""The elliptic cross-sections of a limb or garment, and how they look from the camera.

Letters: t runs along the axis in the image, s across it, w towards the camera, all in pixels;
p and q are the person's left and front. The person's azimuth turns (s, w) into (p, q).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_STEPS = 33  # samples of a profile along its axis
_MIN_FORESHORTENING = 0.45  # a limb that points at the camera is drawn as if tilted by 63 degrees


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Elliptic cross-sections along an axis, in units of the body height.

    Attributes:
        side: (33,) half width across the body.
        front: (33,) half depth.
        forward: (33,) how far the section's center is in front of the axis.
        round_start: whether the first end is rounded instead of cut flat.
        round_end: the same for the last end.
    """

    side: np.ndarray
    front: np.ndarray
    forward: np.ndarray
    round_start: bool = True
    round_end: bool = True


def profile(*knots: tuple[float, ...], round_start: bool = True, round_end: bool = True) -> Profile:
    """Interpolate a profile between knots.

    Args:
        *knots: (v, side[, front[, forward]]) each; front defaults to side, forward to 0.
        round_start: see :class:`Profile`.
        round_end: see :class:`Profile`.
    """
    full = np.array([(k[0], k[1], k[2] if len(k) > 2 else k[1], k[3] if len(k) > 3 else 0.0)
                     for k in knots])  # fmt: skip
    v = np.linspace(0.0, 1.0, _STEPS)
    side, front, forward = (np.interp(v, full[:, 0], full[:, i]) for i in (1, 2, 3))
    return Profile(
        side=_smooth(side),
        front=_smooth(front),
        forward=_smooth(forward),
        round_start=round_start,
        round_end=round_end,
    )


def _smooth(values: np.ndarray) -> np.ndarray:
    padded = np.concatenate([values[:1], values[:1], values, values[-1:], values[-1:]])
    return np.convolve(padded, (0.1, 0.2, 0.4, 0.2, 0.1), "valid")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The axis of a sweep in the image.

    Attributes:
        length: length in the image in pixels, at least 1.
        direction: (x, y) unit vector in the image.
        start_z: depth of the start.
        rise: depth of the end minus that of the start.
        tilt: cosine of the angle to the image plane, kept away from 0.
    """

    length: float
    direction: tuple[float, float]
    start_z: float
    rise: float
    tilt: float

    @classmethod
    def between(cls, start: np.ndarray, end: np.ndarray) -> Axis:
        """Return the axis from ``start`` to ``end``, (3,) each in buffer pixels."""
        dx, dy, dz = (float(d) for d in end - start)
        length = max(math.hypot(dx, dy), 1.0)
        points_at_camera = abs(dx) + abs(dy) < 1e-3
        return cls(
            length=length,
            direction=(0.0, 1.0) if points_at_camera else (dx / length, dy / length),
            start_z=float(start[2]),
            rise=dz,
            tilt=max(length / math.hypot(length, dz), _MIN_FORESHORTENING),
        )


class Sections:
    """What depends on the place along a sweep's axis, tabulated per pixel of its length.

    A section is the ellipse (p/a)^2 + (q/b)^2 = 1 with p = s cos - w sin and q = s sin + w cos.
    Sorted by powers of w it reads r w^2 + 2 m s w + n s^2 = 1 with

        r = (sin/a)^2 + (cos/b)^2,  m = sin cos (1/b^2 - 1/a^2),  n = (cos/a)^2 + (sin/b)^2,

    and r n - m^2 = 1/(ab)^2, because a rotation keeps the determinant. Its front half is therefore

        w = k1 s + sqrt(k2 - k3 s^2),  k1 = -m/r,  k2 = 1/r,  k3 = 1/(abr)^2;

    the root is imaginary where the ray misses the section.

    Args:
        shape: the sections in body heights.
        axis: where they are strung.
        unit: pixels per body height.
        turn: (cosine, sine) of the person's azimuth.

    Attributes:
        first: place of the first row of the tables, in pixels from the start of the axis.
        center_s: (N,) float32 offset of the section's center across the axis.
        center_z: (N,) float32 depth of the section's center.
        k1: (N,) float32, see above.
        k2: (N,) float32; -1, which no ray hits, beyond both ends.
        k3: (N,) float32.
    """

    def __init__(
        self, shape: Profile, axis: Axis, *, unit: float, turn: tuple[float, float]
    ) -> None:
        cos, sin = self._turn = turn
        self._axis = axis
        side, front = shape.side * unit, shape.front * unit
        # A rounded end is half an ellipsoid, as long as its section is wide on average.
        cap0 = 0.5 * (side[0] + front[0]) if shape.round_start else 0.0
        cap1 = 0.5 * (side[-1] + front[-1]) if shape.round_end else 0.0
        self.first = -math.ceil(cap0) - 1
        last = math.ceil(axis.length + cap1) + 1
        place = np.arange(self.first, last + 1, dtype=np.float32)
        steps = np.clip(place / axis.length, 0.0, 1.0) * (_STEPS - 1)
        low = np.minimum(steps.astype(np.int32), _STEPS - 2)
        part = steps - low
        curves = np.stack([side, front, shape.forward * unit])
        a, b, forward = curves[:, low] * (1.0 - part) + curves[:, low + 1] * part
        beyond = np.where(place < 0.0, place / max(cap0, 1e-3), 0.0)
        beyond = np.where(place > axis.length, (place - axis.length) / max(cap1, 1e-3), beyond)
        rounding = np.sqrt(np.maximum(1.0 - beyond * beyond, 0.0))
        valid = rounding > 0.0
        valid[[0, -1]] = False
        a, b = np.maximum(a * rounding, 0.05), np.maximum(b * rounding, 0.05)
        r = (sin / a) ** 2 + (cos / b) ** 2
        m = sin * cos * (1.0 / (b * b) - 1.0 / (a * a))
        depth = axis.start_z + np.clip(place, -cap0, axis.length + cap1) * (axis.rise / axis.length)
        self.center_s = (forward * sin).astype(np.float32)
        self.center_z = (depth + forward * cos / axis.tilt).astype(np.float32)
        self.k1 = (-m / r).astype(np.float32)
        self.k2 = np.where(valid, 1.0 / r, -1.0).astype(np.float32)
        self.k3 = (1.0 / (a * b * r) ** 2).astype(np.float32)
        self._a, self._b = a.astype(np.float32), b.astype(np.float32)
        # Relative growth of the section per pixel, on average over its two directions.
        self._growth = (np.gradient(np.log(a * b)) * 0.5).astype(np.float32)

    def normal_and_u(
        self, place: np.ndarray, across: np.ndarray, front: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return normals and texture angles of points on the surface.

        The normal is the gradient of (p/a)^2 + (q/b)^2, turned back into (s, t, w).

        Args:
            place: (n,) rows of the tables.
            across: (n,) s from the section's center.
            front: (n,) w from the section's center.

        Returns:
            (3, n) unit normals in the buffer's frame, and (n,) u.
        """
        cos, sin = self._turn
        ex, ey = self._axis.direction
        a, b = self._a[place], self._b[place]
        left = (across * cos - front * sin) / a
        ahead = (across * sin + front * cos) / b
        u = np.arctan2(left, ahead) * np.float32(0.5 / math.pi) + np.float32(0.5)
        left, ahead = left / a, ahead / b
        grow_s = left * cos + ahead * sin
        grow_z = (ahead * cos - left * sin) * self._axis.tilt
        slope_s, slope_z = np.gradient(self.center_s), np.gradient(self.center_z)
        grow_t = -slope_s[place] * grow_s - slope_z[place] * grow_z - self._growth[place]
        normal = np.stack([grow_s * ey + grow_t * ex, grow_t * ey - grow_s * ex, grow_z])
        normal /= np.sqrt((normal * normal).sum(axis=0)) + np.float32(1e-12)
        return normal, u

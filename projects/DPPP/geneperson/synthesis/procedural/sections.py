"""The elliptic cross-sections of a limb or garment, and how they look from the camera.

Letters: t runs along the axis in the image, s across it, w towards the camera, all in pixels;
p and q are the person's left and front. The person's azimuth turns (s, w) into (p, q).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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

    @cached_property
    def reach(self) -> float:
        """Farthest point from the axis, at most."""
        widest = max(float(self.side.max()), float(self.front.max()))
        return widest + float(np.abs(self.forward).max())


def profile(*knots: tuple[float, ...], round_start: bool = True, round_end: bool = True) -> Profile:
    """Interpolate a profile between knots.

    Args:
        *knots: (v, side[, front[, forward]]) each; front defaults to side, forward to 0.
        round_start: see :class:`Profile`.
        round_end: see :class:`Profile`.
    """
    full = np.array([(k[0], k[1], k[2] if len(k) > 2 else k[1], k[3] if len(k) > 3 else 0.0)
                     for k in knots])  # fmt: skip
    side, front, forward = (_SMOOTH @ np.interp(_PLACES, full[:, 0], full[:, i]) for i in (1, 2, 3))
    return Profile(
        side=side, front=front, forward=forward, round_start=round_start, round_end=round_end
    )


def _smoothing() -> np.ndarray:
    """(33, 33): the weights of a short moving average; the ends continue as they are."""
    weights = np.zeros((_STEPS, _STEPS))
    for step in range(_STEPS):
        for offset, weight in zip((-2, -1, 0, 1, 2), (0.1, 0.2, 0.4, 0.2, 0.1), strict=True):
            weights[step, min(max(step + offset, 0), _STEPS - 1)] += weight
    return weights


_PLACES = np.linspace(0.0, 1.0, _STEPS)
_SMOOTH = _smoothing()


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The axis of a sweep in the image.

    Attributes:
        length: length in the image in pixels, at least 1.
        direction: (x, y) unit vector in the image.
        start: (x, y, z) of the start.
        rise: depth of the end minus that of the start.
        tilt: cosine of the angle to the image plane, kept away from 0.
    """

    length: float
    direction: tuple[float, float]
    start: tuple[float, float, float]
    rise: float
    tilt: float

    @classmethod
    def between(cls, start: np.ndarray, end: np.ndarray) -> Axis:
        """Return the axis from ``start`` to ``end``, (3,) each in buffer pixels."""
        x, y, z = start.tolist()
        end_x, end_y, end_z = end.tolist()
        dx, dy, dz = end_x - x, end_y - y, end_z - z
        length = max(math.hypot(dx, dy), 1.0)
        points_at_camera = abs(dx) + abs(dy) < 1e-3
        return cls(
            length=length,
            direction=(0.0, 1.0) if points_at_camera else (dx / length, dy / length),
            start=(x, y, z),
            rise=dz,
            tilt=max(length / math.hypot(length, dz), _MIN_FORESHORTENING),
        )


class Sections:
    """What depends on the place along the axes of sweeps, tabulated per pixel of their lengths.

    The tables of all sweeps of a body are one below the other, so that they are made at once.

    A section is the ellipse (p/a)^2 + (q/b)^2 = 1 with p = s cos - w sin and q = s sin + w cos.
    Sorted by powers of w it reads r w^2 + 2 m s w + n s^2 = 1 with

        r = (sin/a)^2 + (cos/b)^2,  m = sin cos (1/b^2 - 1/a^2),  n = (cos/a)^2 + (sin/b)^2,

    and r n - m^2 = 1/(ab)^2, because a rotation keeps the determinant. Its front half is therefore

        w = k1 s + sqrt(k2 - k3 s^2),  k1 = -m/r,  k2 = 1/r,  k3 = 1/(abr)^2;

    the root is imaginary where the ray misses the section.

    Args:
        sweeps: each sweep's sections in body heights, and its axis.
        unit: pixels per body height of each sweep.
        turn: (cosine, sine) of the person's azimuth.

    Attributes:
        first: (S,) place of the first row of each sweep, in pixels from the start of its axis.
        rows: (S + 1,) number of each sweep's first row, and of all rows.
        center_s: (N,) float32 offset of the section's center across the axis.
        center_z: (N,) float32 depth of the section's center.
        k1: (N,) float32, see above.
        k2: (N,) float32; -1, which no ray hits, beyond both ends.
        k3: (N,) float32.
        surface: (N, 7) float32: ``center_s``, ``center_z``, half width a and half depth b of the
            section, its relative growth per pixel, on average over a and b, and the growth per
            pixel of ``center_s`` and ``center_z``.
    """

    def __init__(
        self,
        sweeps: Sequence[tuple[Profile, Axis]],
        *,
        unit: np.ndarray,
        turn: tuple[float, float],
    ) -> None:
        cos, sin = turn
        curves = np.array([(shape.side, shape.front, shape.forward) for shape, _ in sweeps])
        curves *= unit[:, None, None]
        length, start_z, rise, tilt = np.array(
            [(axis.length, axis.start[2], axis.rise, axis.tilt) for _, axis in sweeps]
        ).T
        # A rounded end is half an ellipsoid, as long as its section is wide on average.
        is_round = np.array([(shape.round_start, shape.round_end) for shape, _ in sweeps])
        cap0, cap1 = 0.5 * (curves[:, 0] + curves[:, 1])[:, [0, -1]].T * is_round.T
        self.first = -np.ceil(cap0) - 1.0
        counts = (np.ceil(length + cap1) + 2.0 - self.first).astype(int)
        self.rows = np.concatenate([[0], np.cumsum(counts)])
        own = np.repeat(np.arange(len(sweeps)), counts)  # the sweep of each row
        place = np.arange(self.rows[-1]) + (self.first - self.rows[:-1])[own]
        length, cap0, cap1 = length[own], cap0[own], cap1[own]
        steps = np.clip(place / length, 0.0, 1.0) * (_STEPS - 1)
        low = np.minimum(steps.astype(int), _STEPS - 2)
        below, above = curves[own, :, low].T, curves[own, :, low + 1].T
        a, b, forward = below + (above - below) * (steps - low)
        beyond = np.where(place < 0.0, place / np.maximum(cap0, 1e-3), 0.0)
        beyond = np.where(place > length, (place - length) / np.maximum(cap1, 1e-3), beyond)
        rounding = np.sqrt(np.maximum(1.0 - beyond * beyond, 0.0))
        valid = rounding > 0.0
        valid[self.rows[:-1]] = valid[self.rows[1:] - 1] = False
        a, b = np.maximum(a * rounding, 0.05), np.maximum(b * rounding, 0.05)
        r = (sin / a) ** 2 + (cos / b) ** 2
        m = sin * cos * (1.0 / (b * b) - 1.0 / (a * a))
        depth = start_z[own] + np.clip(place, -cap0, length + cap1) * (rise[own] / length)
        center_s, center_z = forward * sin, depth + forward * cos / tilt[own]
        self.center_s, self.center_z = center_s.astype(np.float32), center_z.astype(np.float32)
        self.k1 = (-m / r).astype(np.float32)
        self.k2 = np.where(valid, 1.0 / r, -1.0).astype(np.float32)
        self.k3 = (1.0 / (a * b * r) ** 2).astype(np.float32)
        # No ray hits the first and last row of a sweep, where the next sweep would count.
        growth = 0.5 * np.gradient(np.log(a * b))
        slopes = np.gradient(center_s), np.gradient(center_z)
        self.surface = np.stack([center_s, center_z, a, b, growth, *slopes], axis=1).astype(
            np.float32
        )

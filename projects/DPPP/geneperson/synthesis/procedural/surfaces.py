"""The curved shapes of one cell: what is in front, and what is seen there.

Frame: pixels of one cell's (supersampled) buffer, x right, y down, z towards the camera; the
projection is orthographic, so a pixel shows the frontmost surface over it. Shapes are collected
first. Their depths decide which one a pixel shows (:class:`DepthBuffer`), and only there are normal
and texture worked out, for all shapes at once (:mod:`.visible`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .atlas import Texture
from .sections import Axis, Profile, Sections

_FARTHEST = np.float32(-1e9)
_MISSED = np.float32(-2e9)  # added to the depth where a ray misses a shape
_Window = tuple[slice, slice]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A tube with elliptic sections.

    Attributes:
        shape: its sections.
        axis: where they are strung.
        unit: pixels per body height.
        texture: what is painted on it.
        window: (rows, columns) that it can be seen in.
        over: whether it hides what was drawn before, however near that is.
    """

    shape: Profile
    axis: Axis
    unit: float
    texture: Texture
    window: _Window
    over: bool


@dataclass(frozen=True, kw_only=True)
class Ball:
    """An ellipsoid.

    Attributes:
        center: (3,) in buffer pixels.
        to_unit: (3, 3) matrix that turns it, and shrinks it to the unit sphere.
        texture: what is painted on it; v runs from its top to its bottom.
        window: (rows, columns) that it can be seen in.
    """

    center: np.ndarray
    to_unit: np.ndarray
    texture: Texture
    window: _Window


class DepthBuffer:
    """The shapes of one cell, and which of them each pixel shows.

    Args:
        height: in pixels.
        width: in pixels.
        turn: (cosine, sine) of the person's azimuth, which orients the sections of sweeps.

    Attributes:
        height: in pixels.
        width: in pixels.
        turn: as given.
        shapes: in the order of drawing.
        x: (width,) float32 places of the pixels' centers.
        y: (height,) float32.
    """

    def __init__(self, height: int, width: int, turn: tuple[float, float]) -> None:
        self.height, self.width, self.turn = height, width, turn
        self.x, self.y = _centers(width), _centers(height)
        self.shapes: list[Sweep | Ball] = []

    def sweep(
        self,
        start: np.ndarray,
        end: np.ndarray,
        shape: Profile,
        texture: Texture,
        *,
        unit: float,
        over: bool = False,
    ) -> None:
        """Draw a tube with elliptic sections.

        Args:
            start: (3,) first end of its axis in buffer pixels.
            end: (3,) other end.
            shape: its sections.
            texture: what is painted on it.
            unit: pixels per body height.
            over: hide what was drawn before, however near it is: cloth gives way to a leg under it.
        """
        axis, reach = Axis.between(start, end), unit * shape.reach
        (x0, y0, _), (x1, y1, _) = axis.start, end.tolist()
        window = self._window(
            min(x0, x1) - reach, max(x0, x1) + reach, min(y0, y1) - reach, max(y0, y1) + reach
        )
        if window is not None:
            self.shapes.append(
                Sweep(shape=shape, axis=axis, unit=unit, texture=texture, window=window, over=over)
            )

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
        reach_x, reach_y = np.sqrt(((axes[:, :2] * radii[:, None]) ** 2).sum(axis=0)).tolist()
        x, y, _ = center.tolist()
        window = self._window(x - reach_x, x + reach_x, y - reach_y, y + reach_y)
        if window is not None:
            to_unit = axes / radii[:, None]
            self.shapes.append(Ball(center=center, to_unit=to_unit, texture=texture, window=window))

    def bounds(self) -> _Window:
        """Return (rows, columns) that hold all shapes, from even to even pixels."""
        rows, columns = zip(*(shape.window for shape in self.shapes), strict=True)
        return _even(rows, self.height), _even(columns, self.width)

    def trace(self, sections: Sections) -> tuple[np.ndarray, np.ndarray]:
        """Find what is in front.

        Args:
            sections: of all sweeps.

        Returns:
            (h, w) float32 depth in the bounds, very small where nothing is, and (h, w) int16 number
            of the shape in the order of drawing, from 1; 0 elsewhere.
        """
        rows, columns = self.bounds()
        size = rows.stop - rows.start, columns.stop - columns.start
        depth, shown = np.full(size, _FARTHEST, np.float32), np.zeros(size, np.int16)
        num_sweeps = 0
        for number, shape in enumerate(self.shapes, start=1):
            across = self.x[shape.window[1]], self.y[shape.window[0], None]
            if isinstance(shape, Sweep):
                near = _sweep_depth(shape, sections, num_sweeps, *across)
                num_sweeps += 1
            else:
                near = _ball_depth(shape, *across)
            inner = _within(shape.window[0], rows), _within(shape.window[1], columns)
            if isinstance(shape, Sweep) and shape.over:
                depth[inner][near > _FARTHEST] = _FARTHEST
            # Later shapes have higher numbers, so the highest of those that are in front counts.
            nearer = np.multiply(near > depth[inner], number, dtype=np.int16)
            np.maximum(shown[inner], nearer, out=shown[inner])
            np.maximum(depth[inner], near, out=depth[inner])
        return depth, shown

    def _window(self, left: float, right: float, top: float, bottom: float) -> _Window | None:
        x0, x1 = max(0, int(left) - 1), min(self.width, int(right) + 2)
        y0, y1 = max(0, int(top) - 1), min(self.height, int(bottom) + 2)
        return (slice(y0, y1), slice(x0, x1)) if x0 < x1 and y0 < y1 else None


def _even(spans: tuple[slice, ...], end: int) -> slice:
    start, stop = min(span.start for span in spans), max(span.stop for span in spans)
    return slice(start - start % 2, min(stop + stop % 2, end))


def _within(span: slice, outer: slice) -> slice:
    return slice(span.start - outer.start, span.stop - outer.start)


@lru_cache(maxsize=4)
def _centers(length: int) -> np.ndarray:
    return np.arange(length, dtype=np.float32) + np.float32(0.5)


def _sweep_depth(
    sweep: Sweep, sections: Sections, number: int, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """(h, w) float32 depth of a sweep at places (w,) and (h, 1); very small where it is not."""
    axis = sweep.axis
    ex, ey = axis.direction
    along_0 = axis.start[0] * ex + axis.start[1] * ey + float(sections.first[number]) - 0.5
    across_0 = axis.start[0] * ey - axis.start[1] * ex
    # Rows of the tables; what is beyond them takes the first or last row, which no ray hits.
    place = (x * ex + (y * ey - along_0)).astype(np.intp)
    own = slice(sections.rows[number], sections.rows[number + 1])

    def at(table: np.ndarray) -> np.ndarray:
        return table[own].take(place, mode="clip")

    across = x * ey - (y * ex + across_0)
    across -= at(sections.center_s)
    inside = across * across
    inside *= at(sections.k3)
    np.subtract(at(sections.k2), inside, out=inside)
    missed = inside <= 0.0
    across *= at(sections.k1)
    across += np.sqrt(np.maximum(inside, 0.0, out=inside), out=inside)
    across *= 1.0 / axis.tilt
    across += at(sections.center_z)
    across += np.multiply(missed, _MISSED)
    return across


def _ball_depth(ball: Ball, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(h, w) float32 depth of an ellipsoid at places (w,) and (h, 1), as for a sweep."""
    center_x, center_y, center_z = ball.center.tolist()
    x, y = x - center_x, y - center_y
    (xx, xy, xz), (_, yy, yz), (_, _, zz) = (ball.to_unit.T @ ball.to_unit).tolist()
    # inside = half^2 - zz (xx x^2 + 2 xy x y + yy y^2 - 1), sorted by what depends on x or y alone
    half = x * xz + y * yz
    inside = x * (2.0 * (xz * yz - zz * xy)) * y
    inside += x * x * (xz * xz - zz * xx)
    inside += y * y * (yz * yz - zz * yy) + zz
    missed = inside <= 0.0
    depth = np.sqrt(np.maximum(inside, 0.0, out=inside), out=inside)
    depth -= half
    depth *= 1.0 / zz
    depth += center_z
    depth += np.multiply(missed, _MISSED)
    return depth

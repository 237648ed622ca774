"""Normals and texture positions of the points of a body that are seen.

The buffer has several samples per pixel of the cell. They decide how much of a pixel each shape
covers, but a shape is looked up once in a pixel (multisampling): a body has few edges.

Letters: P points; each is one shape in one pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import cv2
import numpy as np

from .atlas import Texture, sweep_v
from .sections import Sections
from .surfaces import Ball, DepthBuffer, Sweep

SAMPLES = 2  # in each direction
_ORDER = ((0, 0), (1, 1), (0, 1), (1, 0))  # (row, column) of a pixel's samples


@dataclass(frozen=True, kw_only=True)
class Visible:
    """What is seen of a body, within its bounds.

    Attributes:
        bounds: (rows, columns) of the cell that hold the body.
        depth: (h, w) float32 depth of one sample per pixel, in pixels of the buffer.
        covered: (h, w) bool, where this sample is on the body.
        layers: slices of the points; a layer has at most one point in a pixel.
        pixels: (P,) flat positions in the bounds.
        share: (P,) float32 share of the pixel that the shape covers.
        depths: (P,) float32 of the points.
        normal: (3, P) float32 unit vectors.
        texel: (P,) positions in the atlas.
        fold: (P,) positions in the atlas's folds.
    """

    bounds: tuple[slice, slice]
    depth: np.ndarray
    covered: np.ndarray
    layers: list[slice]
    pixels: np.ndarray
    share: np.ndarray
    depths: np.ndarray
    normal: np.ndarray
    texel: np.ndarray
    fold: np.ndarray


def look(buffer: DepthBuffer, rng: np.random.Generator) -> Visible:
    """Find what is seen of the shapes in a buffer.

    Args:
        buffer: the shapes.
        rng: moves the folds of each shape's cloth to another place.
    """
    sweeps = [shape for shape in buffer.shapes if isinstance(shape, Sweep)]
    sections = Sections(
        [(sweep.shape, sweep.axis) for sweep in sweeps],
        unit=np.array([sweep.unit for sweep in sweeps]),
        turn=buffer.turn,
    )
    rows, columns = buffer.bounds()
    depth, shown = buffer.trace(sections)
    samples = [shown[row::SAMPLES, column::SAMPLES].copy() for row, column in _ORDER]
    x = np.broadcast_to(buffer.x[columns][::SAMPLES], samples[0].shape)
    y = np.broadcast_to(buffer.y[rows][::SAMPLES, None], samples[0].shape)
    points: list[tuple[np.ndarray, ...]] = []
    for layer, (row, column) in enumerate(_ORDER):
        own = samples[layer]
        is_new = own > 0
        for earlier in samples[:layer]:
            is_new &= own != earlier
        pixels = np.flatnonzero(is_new)
        own = own.take(pixels)
        count = np.ones(len(pixels), np.float32)
        for later in samples[layer + 1 :]:
            count += later.take(pixels) == own
        places = x.take(pixels) + column, y.take(pixels) + row
        points.append(
            (pixels, count, own, *places, depth[row::SAMPLES, column::SAMPLES].take(pixels))
        )
    ends = np.cumsum([0, *(len(layer[0]) for layer in points)]).tolist()
    pixels, count, own, *at = (np.concatenate(parts) for parts in zip(*points, strict=True))
    own = own.astype(np.intp) - 1
    normal, u, v = _surfaces(buffer, sweeps, sections, own, at)
    texel, fold = _positions([shape.texture for shape in buffer.shapes], own, u, v, rng)
    rows, columns = (slice(span.start // SAMPLES, span.stop // SAMPLES) for span in (rows, columns))
    return Visible(
        bounds=(rows, columns),
        depth=depth[::SAMPLES, ::SAMPLES],
        covered=samples[0] > 0,
        layers=[slice(start, end) for start, end in pairwise(ends)],
        pixels=pixels,
        share=count * np.float32(1.0 / SAMPLES**2),
        depths=at[2],
        normal=normal,
        texel=texel,
        fold=fold,
    )


def _surfaces(
    buffer: DepthBuffer,
    sweeps: Sequence[Sweep],
    sections: Sections,
    own: np.ndarray,
    at: Sequence[np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(3, P) normals, (P,) u and (P,) v of points (x, y, depth) on shapes of both kinds."""
    balls = [shape for shape in buffer.shapes if isinstance(shape, Ball)]
    is_ball = np.array([isinstance(shape, Ball) for shape in buffer.shapes])
    # The number of each shape among those of its kind.
    among = np.where(is_ball, np.cumsum(is_ball), np.cumsum(~is_ball)) - 1
    on_ball = is_ball.take(own)
    numbers = among.take(own)
    found = np.empty((5, len(own)), np.float32)
    for points, locate in (
        (np.flatnonzero(~on_ball), partial(_on_sweeps, sweeps, sections, buffer.turn)),
        (np.flatnonzero(on_ball), partial(_on_balls, balls)),
    ):
        values = locate(numbers.take(points), [value.take(points) for value in at])
        for whole, part in zip(found, values, strict=True):
            whole[points] = part
    return found[:3], found[3], found[4]


def _on_sweeps(
    sweeps: Sequence[Sweep],
    sections: Sections,
    turn: tuple[float, float],
    own: np.ndarray,
    at: Sequence[np.ndarray],
) -> tuple[np.ndarray, ...]:
    """Return the three parts of the normals, u and v of points on sweeps, (P,) float32 each.

    The normal is the gradient of (p/a)^2 + (q/b)^2, turned back into (s, t, w).
    """
    x, y, depth = at
    axes = [sweep.axis for sweep in sweeps]
    ex, ey, *start, length, rise, tilt = np.array(
        [(*axis.direction, *axis.start, axis.length, axis.rise, axis.tilt) for axis in axes]
    ).T
    along_0 = ex * start[0] + ey * start[1]  # of the start, from the buffer's corner
    across_0 = ey * start[0] - ex * start[1]
    row_0 = sections.rows[:-1] + 0.5 - sections.first - along_0
    squared = length * length + rise * rise
    per_pixel, per_depth = length / squared, rise / squared
    v_0 = -per_pixel * along_0 - per_depth * start[2]
    table = np.stack([ex, ey, row_0, across_0, tilt, per_pixel, per_depth, v_0], axis=1)
    table = table.astype(np.float32).take(own, axis=0)
    ex, ey, row_0, across_0, tilt, per_pixel, per_depth, v_0 = table.T
    along = x * ex + y * ey
    v = sweep_v(along * per_pixel + depth * per_depth + v_0)
    row = (along + row_0).astype(np.intp)
    center_s, center_z, a, b, growth, slope_s, slope_z = sections.surface.take(
        row, axis=0, mode="clip"
    ).T
    across = x * ey - y * ex - across_0 - center_s
    front = (depth - center_z) * tilt
    cos, sin = (np.float32(value) for value in turn)
    left = (across * cos - front * sin) / a
    ahead = (across * sin + front * cos) / b
    u = _angle(left, ahead)
    left /= a
    ahead /= b
    grow_s = left * cos + ahead * sin
    grow_z = (ahead * cos - left * sin) * tilt
    grow_t = -slope_s * grow_s - slope_z * grow_z - growth
    return *_unit(grow_s * ey + grow_t * ex, grow_t * ey - grow_s * ex, grow_z), u, v


def _on_balls(
    balls: Sequence[Ball], own: np.ndarray, at: Sequence[np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Return the same of points on ellipsoids."""
    centers = np.array([ball.center for ball in balls], np.float32).T
    to_unit = np.array([ball.to_unit for ball in balls], np.float32).transpose(1, 2, 0)
    to_unit = to_unit.take(own, axis=2)
    offset = np.stack(at) - centers.take(own, axis=1)
    sphere = (to_unit * offset).sum(axis=1)
    normal = _unit(*(to_unit * sphere[:, None]).sum(axis=0))
    return *normal, _angle(sphere[0], sphere[2]), np.float32(0.5) - np.float32(0.5) * sphere[1]


def _angle(left: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Return the u of directions: 0.5 = ahead, rising towards the left."""
    turn = cv2.phase(-ahead, -left)  # (P, 1), 0 .. 2 pi
    return turn.ravel() * np.float32(0.5 / math.pi)


def _unit(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
    """Scale vectors to unit length."""
    factor = 1.0 / (np.sqrt(x * x + y * y + z * z) + np.float32(1e-12))
    return x * factor, y * factor, z * factor


def _positions(
    textures: Sequence[Texture],
    own: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """(P,) positions in the atlas and (P,) in its folds."""
    height, width = np.array([(texture.height, texture.width) for texture in textures]).T
    down, right = rng.integers(0, [height, width])
    # A tile of folds repeats once in each direction, so that a moved texture finds all of its own.
    folds = np.array([texture.folds for texture in textures]) + down * 2 * width + right
    offset = np.array([texture.offset for texture in textures])
    table = np.stack([height, width, offset, folds], axis=1).astype(np.int32)
    height, width, offset, folds = table.take(own, axis=0).T
    row = np.clip((v * height).astype(np.int32), 0, height - 1)
    column = np.minimum((u * width).astype(np.int32), width - 1)
    start = row * width
    texel = offset + start + column
    return texel, folds + 2 * start + column  # a row of folds is twice as long

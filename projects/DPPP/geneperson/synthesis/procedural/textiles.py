"""Cloth: patterns painted flat, to be wrapped around a body part.

A swatch covers one part: columns run around it, rows along it. Sizes are in units of the body
height, so that a stripe is as wide on a sleeve as on the chest. A pattern repeats a whole number of
times around a part, so that it closes behind the back.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from .palette import contrasting


@dataclass(frozen=True, kw_only=True)
class Cloth:
    """One garment's material.

    Attributes:
        color: RGB 0..255.
        second: color of the pattern, RGB 0..255.
        pattern: pattern word of the prompt.
        scale: size of the pattern relative to the usual, about 1.
        phase: 0..1, where the pattern starts, so that garments differ in more than color.
        folds: strength of the folds, 0..1; they are not a part of the pattern (:mod:`.folds`).
        seed: of scattered motifs.
    """

    color: np.ndarray
    second: np.ndarray
    pattern: str
    scale: float
    phase: float
    folds: float
    seed: int


def cloth(color: np.ndarray, pattern: str, rng: np.random.Generator, *, folds: float) -> Cloth:
    """Choose a material; what the words leave open comes from the identity's rng."""
    return Cloth(
        color=color,
        second=contrasting(color, rng),
        pattern=pattern,
        scale=float(rng.uniform(0.85, 1.25)),
        phase=float(rng.uniform()),
        folds=folds,
        seed=int(rng.integers(2**31)),
    )


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of cloth for one body part.

    Attributes:
        part: name of the part; each has scattered motifs of its own.
        around: circumference of the part in body heights.
        along: its length in body heights.
        shape: (rows, columns) in texels.
        start: where the part starts along the garment, in body heights, for patterns that continue
            from one part to the next.
    """

    part: str
    around: float
    along: float
    shape: tuple[int, int]
    start: float = 0.0


def swatch(cloth: Cloth, piece: Piece) -> np.ndarray:
    """(rows, columns, 4) float32 RGB 0..255 and strength of the folds: cloth for one body part."""
    around = piece.around
    rng = np.random.default_rng([cloth.seed, zlib.crc32(piece.part.encode())])
    rows, columns = piece.shape
    x = (np.arange(columns, dtype=np.float32) + 0.5)[None, :] / columns * around
    y = ((np.arange(rows, dtype=np.float32) + 0.5)[:, None] / rows * piece.along) + piece.start
    x, y = np.broadcast_arrays(x, y)
    image = _painter(cloth.pattern)(cloth, x, y, around, rng)
    strength = np.full((rows, columns, 1), cloth.folds, np.float32)
    return np.concatenate([np.clip(image, 0.0, 255.0).astype(np.float32), strength], axis=2)


def _blotches(
    size: tuple[int, int], shape: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Smooth noise of about unit deviation: `size` blotches down and around, closed around."""
    field = rng.normal(size=size)
    field = np.hstack([field, field[:, :1]])
    return cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC)


_Grid = np.ndarray
_Stream = np.random.Generator
_Painter = Callable[[Cloth, _Grid, _Grid, float, _Stream], _Grid]


def _plain(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    return np.tile(cloth.color, (*x.shape, 1))


def _striped(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    return _mix(cloth, _wave(y, 0.040 * cloth.scale, cloth.phase) > 0.5)


def _pinstriped(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    return _mix(cloth, _wave(x, _whole(around, 0.026 * cloth.scale), 0.5) > 0.78)


def _plaid(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    period = 0.066 * cloth.scale
    period_x = _whole(around, period)
    bands = (_wave(x, period_x, 0.5) > 0.6) * 0.42 + (_wave(y, period, cloth.phase) > 0.6) * 0.42
    image = _mix(cloth, bands)
    thin = (_wave(x, period_x, 0.0) > 0.90) | (_wave(y, period, cloth.phase + 0.5) > 0.90)
    return image * np.where(thin, 0.62, 1.0)[:, :, None]


def _checkered(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    size = 0.060 * cloth.scale
    odd = (_wave(x, _whole(around, size), 0.25) > 0.5) ^ (_wave(y, size, cloth.phase) > 0.5)
    return _mix(cloth, odd)


def _polka(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    period = 0.042 * cloth.scale
    period_x = _whole(around, period)
    row = np.floor(y / period)
    across = ((x / period_x + 0.5 * (row % 2)) % 1.0 - 0.5) * period_x
    down = ((y / period) % 1.0 - 0.5) * period
    return _mix(cloth, np.clip((0.30 * period - np.hypot(across, down)) / 0.002 + 0.5, 0.0, 1.0))


def _floral(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    """Paint five-petaled flowers on a jittered lattice; each has a heart of another color."""
    period = 0.056 * cloth.scale
    period_x = _whole(around, period)
    count = round(around / period_x)
    row = np.floor(y / period).astype(np.int32)
    across = (x / period_x + 0.5 * (row % 2)) % count
    column = np.minimum(across.astype(np.int32), count - 1)
    dx, dy = across - column - 0.5, y / period - row - 0.5
    # Every flower has its own place and turn; it stays inside its own square of the lattice.
    rows = row - row.min()
    jitter = rng.uniform(-0.10, 0.10, (2, rows.max() + 1, count))
    spin = rng.uniform(0.0, 2.0 * math.pi, (rows.max() + 1, count))[rows, column]
    dx, dy = dx - jitter[0][rows, column], dy - jitter[1][rows, column]
    radius, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    image = _mix(cloth, radius < 0.27 + 0.12 * np.cos(5.0 * (angle + spin)))
    image[radius < 0.11] = 0.5 * cloth.color + (110.0, 90.0, 10.0)
    return image


def _camouflage(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    image = _plain(cloth, x, y, around, rng)
    span = float(y.max() - y.min())
    patches = ((0.55, 30.0), (0.72, 0.0), (1.28, 22.0))
    for factor, lift in patches:
        size = (max(4, int(span / 0.045)), max(3, int(around / 0.050)))
        field = _blotches(size, x.shape, rng)
        image[field > 0.55] = cloth.color * factor + lift
    return image


def _gradient(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    """Fade to a light or dark tone of the same color, so that the prompt's color stays true."""
    share = np.clip((y - 0.02) / 0.36, 0.0, 1.0)[:, :, None]
    far = cloth.color * 0.30 if cloth.color.mean() > 105.0 else 0.35 * cloth.color + 150.0
    return cloth.color + (far - cloth.color) * share


def _color_block(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    return _mix(cloth, (y > 0.10) & (y < 0.20))


def _distressed(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    """Paint worn patches: bleached threads on the front of thigh and knee."""
    image = _plain(cloth, x, y, around, rng)
    worn = np.exp(-(((x / around - 0.5) / 0.17) ** 2))
    image += (60.0 * worn * (0.6 + 0.4 * np.sin(y * 90.0)))[:, :, None]
    u, v = x / around, (y - y.min()) / max(float(np.ptp(y)), 1e-6)
    for _ in range(4):
        center_u, center_v = rng.uniform(0.36, 0.64), rng.uniform(0.1, 0.9)
        far = np.hypot((u - center_u) / 0.075, (v - center_v) / 0.040)
        threads = np.where(np.floor(y / 0.006) % 2 > 0, 218.0, 178.0)
        image = np.where((far < 1.0)[:, :, None], threads[:, :, None], image)
    return image


def _argyle(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    period = 0.085 * cloth.scale
    period_x = _whole(around, period)
    diamond = np.abs((x / period_x) % 1.0 - 0.5) + np.abs((y / period) % 1.0 - 0.5)
    return _mix(cloth, diamond < 0.36)


def _herringbone(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    period_x = _whole(around, 0.045 * cloth.scale)
    zigzag = np.abs((x / period_x) % 1.0 - 0.5) * 0.045
    return _mix(cloth, 0.55 * (_wave(y + zigzag, 0.020 * cloth.scale, 0.0) > 0.5))


def _leopard(cloth: Cloth, x: _Grid, y: _Grid, around: float, rng: _Stream) -> _Grid:
    size = (max(4, int(np.ptp(y) / 0.022)), max(4, int(around / 0.022)))
    field = _blotches(size, x.shape, rng)
    image = _plain(cloth, x, y, around, rng)
    image[np.abs(field - 0.7) < 0.3] = cloth.color * 0.3
    return image


# The first keyword found in the pattern's words decides; the order puts special words first.
_PATTERNS: dict[str, _Painter] = {
    "pinstripe": _pinstriped, "vertical": _pinstriped, "strip": _striped, "plaid": _plaid,
    "tartan": _plaid, "gingham": _checkered, "check": _checkered, "houndstooth": _checkered,
    "polka": _polka, "dot": _polka, "floral": _floral, "flower": _floral, "paisley": _floral,
    "camo": _camouflage, "tie": _camouflage, "marble": _camouflage, "gradient": _gradient,
    "ombre": _gradient, "block": _color_block, "distress": _distressed, "ripped": _distressed,
    "argyle": _argyle, "geometric": _argyle, "diamond": _argyle, "herringbone": _herringbone,
    "chevron": _herringbone, "zigzag": _herringbone, "leopard": _leopard, "animal": _leopard,
    "plain": _plain, "solid": _plain,
}  # fmt: skip
_FALLBACKS = (_striped, _plaid, _checkered, _polka, _floral, _argyle, _herringbone, _leopard)


def _painter(pattern: str) -> _Painter:
    words = pattern.lower()
    for keyword, painter in _PATTERNS.items():
        if keyword in words:
            return painter
    # An unforeseen word gets a pattern too, always the same.
    return _FALLBACKS[zlib.crc32(words.encode()) % len(_FALLBACKS)]


def _mix(cloth: Cloth, share: np.ndarray) -> np.ndarray:
    share = np.asarray(share, np.float32)[:, :, None]
    return cloth.color + (cloth.second - cloth.color) * share


def _wave(position: np.ndarray, period: float, phase: float) -> np.ndarray:
    """Return a triangle wave, 0..1."""
    return np.abs(((position / period + phase) % 1.0) * 2.0 - 1.0)


def _whole(around: float, period: float) -> float:
    """Return the nearest period that fits a whole number of times around."""
    return around / max(1, round(around / period))

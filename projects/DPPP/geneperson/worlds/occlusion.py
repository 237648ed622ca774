"""Occlusion: a thing between the camera and the person, under the light of the picture.

Things rise from below the lower edge, because the foot of what is nearer than the person is outside
the picture. They are low, narrow or at the side, so that about two thirds of the person stay
visible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

Layer = tuple[np.ndarray, np.ndarray]

_GROUND = 0.40  # assumed reflectance of the ground in a picture
_STREAK = 0.30  # how far a passing car moves during the exposure, as a share of the width
_PASSING = 0.4  # share of cars that are passing; the others are parked

_PAINTS = ((0.38, 0.38, 0.39), (0.16, 0.17, 0.18), (0.19, 0.25, 0.21), (0.33, 0.25, 0.18))
_BINS = ((0.20, 0.21, 0.22), (0.18, 0.26, 0.20), (0.24, 0.28, 0.36), (0.36, 0.35, 0.34))
_LEAVES = ((0.20, 0.30, 0.13), (0.24, 0.31, 0.17), (0.16, 0.25, 0.13))
_WALLS = ((0.38, 0.23, 0.18), (0.40, 0.38, 0.36), (0.45, 0.42, 0.37))
_CARS = ((0.48, 0.48, 0.49), (0.13, 0.13, 0.15), (0.46, 0.12, 0.12), (0.15, 0.21, 0.38))


def occlude(image: np.ndarray, rng: np.random.Generator, things: Sequence[str]) -> np.ndarray:
    """Put a thing in front of a finished picture.

    Args:
        image: (H, W, 3) uint8, lit.
        rng: draws the thing, its place, size and paint.
        things: names from ``THINGS`` to choose from.

    Returns:
        (H, W, 3) uint8, a new array.
    """
    height, width = image.shape[:2]
    reflectance, cover = draw(things[int(rng.integers(len(things)))], height, width, rng)
    dark, light = _tones(image)
    lit = dark + light * reflectance
    # Highlights roll off below white, as those of people and backgrounds do.
    lit = np.where(lit > 200.0, 200.0 + 55.0 * np.tanh((lit - 200.0) / 55.0), lit)
    blended = image + (lit - image) * cover[:, :, None]
    return np.clip(blended + 0.5, 0.0, 255.0).astype(np.uint8)


def draw(thing: str, height: int, width: int, rng: np.random.Generator) -> Layer:
    """Draw one thing in neutral light.

    Returns:
        (H, W, 3) float32 reflectance, 0 = black, 1 = white, and (H, W) float32 cover, 0..1.
    """
    reflectance, cover = THINGS[thing](height, width, rng)
    # Near things are slightly out of focus; this also softens the outline.
    sigma = height / 256.0 * rng.uniform(0.6, 1.3)
    return cv2.GaussianBlur(reflectance, (0, 0), sigma), cv2.GaussianBlur(cover, (0, 0), sigma)


def _tones(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(3,) float32 each: the color of black in this picture, and white minus black.

    The ground to the left and right of the feet shows the strength and, in part, the color of the
    light; the darkest pixels show how much haze there is.
    """
    height, width = image.shape[:2]
    dark = np.percentile(image[::4, ::4].reshape(-1, 3), 2, axis=0)
    side = max(1, width // 6)
    low = image[int(0.7 * height) :: 2]
    ground = np.concatenate((low[:, :side], low[:, -side:]), axis=1).reshape(-1, 3)
    # Not the mean, which road markings would raise. A very pale ground is paint, not light.
    ground = np.minimum(np.percentile(ground, 40, axis=0), 160.0)
    # Half of the ground's hue is taken to be its own (grass), half the light's.
    light = 0.5 * ground + 0.5 * ground.mean()
    dark = np.minimum(dark, 0.6 * light)
    return dark.astype(np.float32), ((light - dark) / _GROUND).astype(np.float32)


def _pick(paints: Sequence[tuple[float, float, float]], rng: np.random.Generator) -> np.ndarray:
    """(3,) float32: one of the paints, slightly lighter or darker."""
    paint = np.array(paints[int(rng.integers(len(paints)))], np.float32)
    return paint * np.float32(rng.uniform(0.85, 1.2))


def _outline(height: int, width: int, corners: Sequence[tuple[float, float]]) -> np.ndarray:
    """(H, W) float32 0..1 cover of a polygon with (x, y) corners, shares of width and height."""
    points = np.round(np.array(corners) * (width * 16.0, height * 16.0)).astype(np.int32)
    cover = np.zeros((height, width), np.uint8)
    cv2.fillPoly(cover, [points], 255, cv2.LINE_AA, 4)
    return cover / np.float32(255.0)


def _round(middle: float, wide: float, width: int, rng: np.random.Generator) -> np.ndarray:
    """(W,) float32 shading of an upright cylinder: brightest on one side, dark at both rims."""
    across = (np.arange(width, dtype=np.float32) + 0.5) / width
    turn = np.clip((across - middle) / (0.5 * wide), -1.0, 1.0)
    return 0.5 + 0.75 * np.sqrt(np.clip(1.0 - (0.8 * turn - rng.uniform(-0.3, 0.3)) ** 2, 0.0, 1.0))


def _post(height: int, width: int, rng: np.random.Generator) -> Layer:
    """Draw a lamp post or pole over the whole height, rarely in front of the person's middle."""
    wide = rng.uniform(0.045, 0.075)
    middle = 0.5 + rng.choice((-1.0, 1.0)) * rng.uniform(0.05, 0.30)
    left, right, foot = middle - 0.5 * wide, middle + 0.5 * wide, 0.2 * wide
    corners = ((left, -0.1), (right, -0.1), (right + foot, 1.1), (left - foot, 1.1))
    shade = np.empty((height, width, 3), np.float32)
    shade[:] = _round(middle, 1.2 * wide, width, rng)[:, None] * _pick(_PAINTS, rng)
    return shade, _outline(height, width, corners)


def _bin(height: int, width: int, rng: np.random.Generator) -> Layer:
    """Draw a bollard or a litter bin with a lid, at the lower edge."""
    wide, top = rng.uniform(0.13, 0.30), rng.uniform(0.73, 0.86)
    middle = rng.uniform(0.22, 0.78)
    left, right, dome = middle - 0.5 * wide, middle + 0.5 * wide, 0.12 * wide
    turn = np.linspace(np.pi, 0.0, 13)
    lid = [(middle + 0.5 * wide * np.cos(a), top - dome * np.sin(a)) for a in turn]
    shade = np.empty((height, width, 3), np.float32)
    shade[:] = _round(middle, wide, width, rng)[:, None] * _pick(_BINS, rng)
    rim = round((top + 0.02) * height)
    shade[:rim] *= 1.25
    shade[rim : rim + max(1, height // 85)] *= 0.55
    return shade, _outline(height, width, [*lid, (right, 1.1), (left, 1.1)])


def _hedge(height: int, width: int, rng: np.random.Generator) -> Layer:
    """Draw a clipped hedge along the lower edge: uneven top, leaves in light and shade."""
    top = rng.uniform(0.79, 0.90) + rng.normal(0.0, 0.006, 33).cumsum() * 0.5
    across = np.linspace(-0.02, 1.02, 33)
    corners = [*zip(across, np.clip(top, 0.77, 0.93), strict=True), (1.02, 1.1), (-0.02, 1.1)]
    clumps = rng.standard_normal((height // 12 + 1, width // 12 + 1), np.float32)
    leaves = rng.standard_normal((height // 3 + 1, width // 3 + 1), np.float32)
    light = 1.0 + 0.16 * cv2.resize(clumps, (width, height), interpolation=cv2.INTER_CUBIC)
    light += 0.30 * cv2.resize(leaves, (width, height))
    depth = np.arange(height, dtype=np.float32)[:, None] / height - np.float32(top.min())
    light *= np.clip(1.25 - 2.2 * depth, 0.6, 1.3)  # the top catches the sky
    shade = np.maximum(light, 0.25)[:, :, None] * _pick(_LEAVES, rng)
    return shade, _outline(height, width, corners)


def _wall(height: int, width: int, rng: np.random.Generator) -> Layer:
    """Draw a low wall along the lower edge, courses of stone below a lighter coping."""
    top, slope = rng.uniform(0.79, 0.90), rng.uniform(-0.012, 0.012)
    corners = ((-0.02, top - slope), (1.02, top + slope), (1.02, 1.1), (-0.02, 1.1))
    row, column = np.mgrid[0:height, 0:width].astype(np.float32)
    down = row / height - (top + slope * (2.0 * column / width - 1.0))
    course = rng.uniform(0.028, 0.045)
    below = down - 0.022
    number = np.floor(below / course).astype(int)
    along = column / width + 0.5 * 4.0 * course * (number % 2) + rng.uniform(0.0, 1.0)
    joint = (below % course < 0.005) | (along % (4.0 * course) < 0.010)
    stone = (7 * number + np.floor(along / (4.0 * course)).astype(int)) % 31
    light = (0.88 + 0.24 * rng.uniform(size=31).astype(np.float32))[stone]
    light[joint] *= 0.72
    light = np.where(below < 0.0, np.float32(1.28), light)
    light[(below >= 0.0) & (below < 0.008)] *= 0.6  # shadow below the coping
    return light[:, :, None] * _pick(_WALLS, rng), _outline(height, width, corners)


def _car(height: int, width: int, rng: np.random.Generator) -> Layer:
    """Draw the front of a car that comes in from one side; parked, or passing and blurred."""
    reach, top = rng.uniform(0.32, 0.52), rng.uniform(0.69, 0.78)
    turn = np.linspace(0.0, 0.5 * np.pi, 11)
    nose = [(reach - 0.20 * (1.0 - np.sin(a)), top + 0.09 * (1.0 - np.cos(a))) for a in turn]
    body = [(-0.5, top - 0.09), (reach - 0.40, top - 0.02), *nose, (reach - 0.02, 1.1), (-0.5, 1.1)]
    shade: np.ndarray = np.empty((height, width, 3), np.float32)
    down = np.arange(height, dtype=np.float32)[:, None] / height - np.float32(top)
    across = np.arange(width, dtype=np.float32) / width - np.float32(reach)
    # The bonnet mirrors the sky, the flank less and less of it, and the nose turns away.
    light = 0.60 + 0.75 / (1.0 + np.exp((down - 0.05) / 0.018)) - 0.8 * np.maximum(down, 0.0)
    light = light * np.clip(0.75 - 2.5 * across, 0.75, 1.0)
    shade[:] = light[:, :, None] * _pick(_CARS, rng)
    for corners, tone in _front(reach, top):
        shade += (tone - shade) * _outline(height, width, corners)[:, :, None]
    cover = _outline(height, width, body)
    if rng.random() < _PASSING:
        smear = (max(3, round(_STREAK * width)) | 1, 1)
        # The car continues beyond the edge of the picture, so its edge pixels repeat.
        shade = cv2.blur(shade, smear, borderType=cv2.BORDER_REPLICATE)
        cover = cv2.blur(cover, smear, borderType=cv2.BORDER_REPLICATE)
    if rng.random() < 0.5:
        shade, cover = shade[:, ::-1].copy(), cover[:, ::-1].copy()
    return shade, cover


def _front(reach: float, top: float) -> list[tuple[list[tuple[float, float]], float]]:
    """Return (corners, reflectance) of headlamp, its glint, bumper and the seam of the bonnet."""
    far, end = reach - 0.20, reach + 0.1
    lamp = [(far, top + 0.075), (end, top + 0.065), (end, top + 0.115), (far + 0.06, top + 0.115)]
    glint = [(far + 0.06, top + 0.082), (reach - 0.03, top + 0.078), (reach - 0.05, top + 0.100)]
    bumper = [(-0.5, top + 0.19), (end, top + 0.17), (end, 1.1), (-0.5, 1.1)]
    seam = [(-0.5, top + 0.035), (far, top + 0.072), (far, top + 0.078), (-0.5, top + 0.043)]
    return [(lamp, 0.30), (glint, 0.62), (bumper, 0.13), (seam, 0.10)]


THINGS: dict[str, Callable[[int, int, np.random.Generator], Layer]] = {
    "post": _post,
    "bin": _bin,
    "hedge": _hedge,
    "wall": _wall,
    "car": _car,
}

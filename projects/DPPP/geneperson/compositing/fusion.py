"""Pixel-level fusion: put a person in front of a background under the same lighting."""

from __future__ import annotations

import cv2
import numpy as np

from ..worlds.lighting import Lighting, relight
from ..worlds.world import World

_SOLID = 250  # alpha from which a pixel's color is the person's alone
_SOLE = 0.05  # share of the person's height, above the lowest point, that shades the ground
_STEP = 0.22  # how much higher in the picture the farther foot may be, of the person's height
_CONTACT = 0.42  # minimum darkness below the feet: not even the light of fog gets under a sole


def fuse(
    person: np.ndarray,
    alpha: np.ndarray,
    background: np.ndarray,
    *,
    lighting: Lighting,
    relit: bool = True,
    world: World,
    rng: np.random.Generator,
) -> np.ndarray:
    """Blend a person over a background.

    Args:
        person: (h, w, 3) uint8, drawn in neutral light or already under ``lighting``.
        alpha: (h, w) uint8 coverage, 0..255.
        background: (h, w, 3) uint8, already lit.
        lighting: the light of both.
        relit: whether the person was drawn in neutral light and has to be relit.
        world: how far its detector frames people off center.
        rng: draws the framing.

    Returns:
        (h, w, 3) uint8, a new array; where no person or shadow falls it is the background.
    """
    person = decontaminate(person, alpha)
    person, alpha = _frame(person, alpha, rng, world)
    if relit:
        person = relight(person, lighting, alpha)
    ground = _shadowed(background, alpha, lighting)
    weight = (alpha.astype(np.float32) / 255.0)[:, :, None]
    blended = ground + (person - ground) * weight
    return np.clip(blended + 0.5, 0.0, 255.0).astype(np.uint8)


def decontaminate(person: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Remove the old background from the edge pixels of a person.

    Edge pixels are mixed with the background that the person was drawn on, which would show as a
    halo on another one. Their color is replaced by the mean of nearby solid pixels.

    Args:
        person: (h, w, 3) uint8.
        alpha: (h, w) uint8 coverage, 0..255.

    Returns:
        (h, w, 3) uint8, a new array.
    """
    solid = (alpha >= _SOLID).astype(np.float32)
    colors = person * solid[:, :, None]
    size = max(5, alpha.shape[0] // 36) | 1
    # A small neighborhood first; a wide one where thin parts have no solid pixel nearby.
    spread = cv2.blur(colors, (5, 5)) + 0.02 * cv2.blur(colors, (size, size))
    weight = cv2.blur(solid, (5, 5)) + 0.02 * cv2.blur(solid, (size, size))
    spread = spread / np.maximum(weight, 1e-6)[:, :, None]
    keep = (solid > 0.0) | (weight < 1e-6)
    return np.where(keep[:, :, None], person, np.clip(spread + 0.5, 0.0, 255.0).astype(np.uint8))


def _frame(
    person: np.ndarray, alpha: np.ndarray, rng: np.random.Generator, world: World
) -> tuple[np.ndarray, np.ndarray]:
    """Scale about the ground point and shift, as the box of an imperfect detector would."""
    height, width = alpha.shape
    scale = rng.uniform(*world.scale)
    shift_x = rng.uniform(-1.0, 1.0) * world.shift[0] * width
    shift_y = rng.uniform(-1.0, 1.0) * world.shift[1] * height
    anchor_x, anchor_y = 0.5 * width, 0.95 * height
    matrix = np.array(
        [
            [scale, 0.0, (1.0 - scale) * anchor_x + shift_x],
            [0.0, scale, (1.0 - scale) * anchor_y + shift_y],
        ]
    )
    return (
        cv2.warpAffine(person, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE),
        cv2.warpAffine(alpha, matrix, (width, height)),
    )


def _shadowed(background: np.ndarray, alpha: np.ndarray, lighting: Lighting) -> np.ndarray:
    """(h, w, 3) float32: the background with the person's shadow on the ground."""
    ground = background.astype(np.float32)
    rows = np.flatnonzero(alpha.max(axis=1) > 127)
    if not rows.size:
        return ground
    height, width = alpha.shape
    foot_y, tall = int(rows[-1]), int(rows[-1] - rows[0]) + 1
    spread = (width // 8 | 1, height // 42 | 1)
    contact = cv2.blur(cv2.blur(_soles(alpha, foot_y, tall), spread), spread).astype(np.float32)
    darkest = max(lighting.shadow, _CONTACT)
    shade = contact * darkest
    if lighting.shadow_length:
        shade += 0.75 * lighting.shadow * _cast(alpha, foot_y, lighting)
    factor = 1.0 - np.minimum(shade, 255.0 * darkest) * (1.2 / 255.0)
    ground *= np.clip(factor, 0.15, 1.0)[:, :, None]
    return ground


def _soles(alpha: np.ndarray, foot_y: int, tall: int) -> np.ndarray:
    """(h, w) uint8 0..255: the lowest parts of the outline in each column, moved down slightly.

    Seen from above, the farther foot is higher in the picture than the nearer one. Parts that are
    higher still, a hem or a hand, do not shade the ground right below them.
    """
    height = alpha.shape[0]
    top = max(0, foot_y - int((_STEP + _SOLE) * tall))
    legs = alpha[top : foot_y + 1]
    lift = np.argmax(legs[::-1] > 127, axis=0)  # rows between foot_y and a column's lowest point
    above = np.arange(foot_y - top, -1, -1)[:, None] - lift
    weight = np.clip(1.5 * (1.0 - lift / (_STEP * tall)), 0.0, 1.0)
    sole = np.where((above >= -1) & (above <= _SOLE * tall), legs * weight, 0.0)
    drop = max(1, height // 110)
    soles = np.zeros_like(alpha)
    soles[top + drop : foot_y + 1 + drop] = sole[: height - top - drop]
    return soles


def _cast(alpha: np.ndarray, foot_y: int, lighting: Lighting) -> np.ndarray:
    """(h, w) float32 0..255: the outline laid flat on the ground, away from the light."""
    height, width = alpha.shape
    flat = 0.10 + 0.06 * lighting.shadow_length  # a body lying on the ground is foreshortened
    slant = -np.sign(lighting.direction[0]) * lighting.shadow_length
    # (x, y) -> (x + slant * (foot_y - y), foot_y - flat * (foot_y - y))
    matrix = np.array([[1.0, -slant, slant * foot_y], [0.0, flat, (1.0 - flat) * foot_y]])
    laid = cv2.warpAffine(alpha, matrix, (width, height), flags=cv2.INTER_AREA)
    size = max(3, height // 64) | 1
    return cv2.blur(laid, (size, size)).astype(np.float32)

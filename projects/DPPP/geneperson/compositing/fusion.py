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
    person, alpha, window = _frame(decontaminate(person, alpha), alpha, rng, world)
    fused = background.copy()
    if window is None:
        return fused
    if relit:
        person = relight(person, lighting, alpha, window)
    _shade(fused, alpha, lighting)
    weight = alpha[window] * np.float32(1.0 / 255.0)
    fused[window] = cv2.blendLinear(person, fused[window], weight, 1.0 - weight)
    return fused


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
    cleaned = person.copy()
    window = _bounds(alpha, margin=2)
    if window is None:
        return cleaned
    person, alpha = person[window], alpha[window]
    solid = np.where(alpha >= _SOLID, 255, 0).astype(np.uint8)
    # What is next to the edge counts too: framing mixes neighbors.
    edge = np.flatnonzero((cv2.dilate(alpha, np.ones((3, 3), np.uint8)) > 0) & (solid == 0))
    colors = cv2.bitwise_and(person, person, mask=solid)
    size = max(5, cleaned.shape[0] // 36) | 1

    def around(image: np.ndarray) -> np.ndarray:
        # A small neighborhood first; a wide one where thin parts have no solid pixel nearby.
        near, far = (cv2.boxFilter(image, cv2.CV_32F, (side, side)) for side in (5, size))
        return cv2.scaleAdd(far, 0.02, near).reshape(alpha.size, -1).take(edge, axis=0)

    weight = around(solid) / 255.0
    spread = around(colors) / np.maximum(weight, 1e-6)
    known = edge[weight[:, 0] >= 1e-6]
    flat = person.reshape(-1, 3).copy()
    flat[known] = np.clip(spread[weight[:, 0] >= 1e-6] + 0.5, 0.0, 255.0)
    cleaned[window] = flat.reshape(person.shape)
    return cleaned


def _bounds(alpha: np.ndarray, margin: int) -> tuple[slice, slice] | None:
    """Return (rows, columns) of what is covered at all, and a margin; None for nothing."""
    left, top, width, height = cv2.boundingRect(alpha)
    if not width:
        return None
    return (
        slice(max(0, top - margin), min(alpha.shape[0], top + height + margin)),
        slice(max(0, left - margin), min(alpha.shape[1], left + width + margin)),
    )


def _frame(
    person: np.ndarray, alpha: np.ndarray, rng: np.random.Generator, world: World
) -> tuple[np.ndarray, np.ndarray, tuple[slice, slice] | None]:
    """Scale about the ground point and shift, as the box of an imperfect detector would.

    Returns:
        (h, w, 3) uint8 of the window with the person, (H, W) uint8 coverage, and the window: (rows,
        columns), None if nobody is left in it.
    """
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
    alpha = cv2.warpAffine(alpha, matrix, (width, height))
    window = _bounds(alpha, margin=0)
    if window is None:
        return person, alpha, None
    rows, columns = window
    matrix[:, 2] -= columns.start, rows.start
    size = columns.stop - columns.start, rows.stop - rows.start
    return cv2.warpAffine(person, matrix, size, borderMode=cv2.BORDER_REPLICATE), alpha, window


def _shade(picture: np.ndarray, alpha: np.ndarray, lighting: Lighting) -> None:
    """Darken a picture (h, w, 3) uint8 in place where a person's shadow falls on the ground."""
    rows = np.flatnonzero(alpha.max(axis=1) > 127)
    if not rows.size:
        return
    height, width = alpha.shape
    foot_y, tall = int(rows[-1]), int(rows[-1] - rows[0]) + 1
    spread = (width // 8 | 1, height // 42 | 1)
    # No shadow reaches higher; two blurs widen that of the soles.
    top = max(0, foot_y - int((_STEP + _SOLE) * tall) - 2 * spread[1])
    soles = _soles(alpha, foot_y, tall)[top:]
    contact = cv2.blur(cv2.blur(soles, spread), spread).astype(np.float32)
    darkest = max(lighting.shadow, _CONTACT)
    shade = contact * darkest
    if lighting.shadow_length:
        shade += 0.75 * lighting.shadow * _cast(alpha, foot_y, top, lighting)
    factor = 1.0 - np.minimum(shade, 255.0 * darkest) * (1.2 / 255.0)
    factor = cv2.merge([np.maximum(factor, 0.15)] * 3)
    picture[top:] = cv2.multiply(picture[top:], factor, dtype=cv2.CV_8U)


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


def _cast(alpha: np.ndarray, foot_y: int, top: int, lighting: Lighting) -> np.ndarray:
    """(h - top, w) float32 0..255: the outline laid flat on the ground, away from the light."""
    height, width = alpha.shape
    flat = 0.10 + 0.06 * lighting.shadow_length  # a body lying on the ground is foreshortened
    slant = -np.sign(lighting.direction[0]) * lighting.shadow_length
    # (x, y) -> (x + slant * (foot_y - y), foot_y - flat * (foot_y - y)), seen from row top
    matrix = np.array([[1.0, -slant, slant * foot_y], [0.0, flat, (1.0 - flat) * foot_y - top]])
    laid = cv2.warpAffine(alpha, matrix, (width, height - top), flags=cv2.INTER_AREA)
    size = max(3, height // 64) | 1
    return cv2.blur(laid, (size, size)).astype(np.float32)

"""The nine lightings (s1..s9 of the folder contract) and relighting to match them.

The paper shows nine illuminations in its Fig. 4 without naming them; these are ours. A lighting's
words go into the prompts of people and backgrounds, its numbers into :func:`relight`, which is
applied to both, so that they are under the same light.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .color import saturate


@dataclass(frozen=True, kw_only=True)
class Lighting:
    """One illumination.

    Attributes:
        name: short name.
        prompt: words for the prompts.
        gains: white balance, multiplies R, G, B.
        exposure: overall brightness, 1 = as drawn.
        contrast: around mid grey, 1 = as drawn.
        saturation: 0 = grey, 1 = as drawn.
        direction: (x, y) in the image from which the light comes, y down, length <= 1.
        directional: how much brighter the lit side is, 0..1.
        haze: share of ``haze_color`` mixed in, 0..1.
        haze_color: R, G, B, 0..255.
        lamp: strength of a pool of artificial light around the person, 0..1.
        shadow: darkness of the shadow on the ground, 0..1.
        shadow_length: how far the shadow is cast, in body heights.
    """

    name: str
    prompt: str
    gains: tuple[float, float, float]
    exposure: float
    contrast: float
    saturation: float
    direction: tuple[float, float]
    directional: float
    shadow: float
    shadow_length: float
    haze: float = 0.0
    haze_color: tuple[int, int, int] = (205, 210, 215)
    lamp: float = 0.0


LIGHTINGS: tuple[Lighting, ...] = (
    Lighting(
        name="day",
        prompt="day, sunshine",
        gains=(1.03, 1.0, 0.96),
        exposure=1.06,
        contrast=1.08,
        saturation=1.05,
        direction=(-0.6, -0.6),
        directional=0.22,
        shadow=0.5,
        shadow_length=0.30,
    ),
    Lighting(
        name="overcast",
        prompt="overcast, soft light",
        gains=(0.97, 1.0, 1.04),
        exposure=0.93,
        contrast=0.88,
        saturation=0.85,
        direction=(0.0, -1.0),
        directional=0.05,
        shadow=0.22,
        shadow_length=0.0,
    ),
    Lighting(
        name="morning",
        prompt="early morning, soft warm light",
        gains=(1.07, 1.0, 0.90),
        exposure=1.0,
        contrast=0.95,
        saturation=0.95,
        direction=(0.9, -0.2),
        directional=0.26,
        shadow=0.35,
        shadow_length=0.5,
        haze=0.07,
        haze_color=(250, 225, 190),
    ),
    Lighting(
        name="noon",
        prompt="noon, bright sun",
        gains=(1.0, 1.0, 0.99),
        exposure=1.14,
        contrast=1.15,
        saturation=1.0,
        direction=(0.0, -1.0),
        directional=0.22,
        shadow=0.6,
        shadow_length=0.08,
    ),
    Lighting(
        name="sunset",
        prompt="sunset, golden light",
        gains=(1.20, 0.95, 0.70),
        exposure=0.92,
        contrast=1.05,
        saturation=1.08,
        direction=(-0.95, -0.1),
        directional=0.34,
        shadow=0.4,
        shadow_length=0.55,
    ),
    Lighting(
        name="dusk",
        prompt="dusk",
        gains=(0.90, 0.90, 1.16),
        exposure=0.66,
        contrast=0.95,
        saturation=0.85,
        direction=(0.5, -0.5),
        directional=0.10,
        shadow=0.2,
        shadow_length=0.0,
        haze=0.06,
        haze_color=(120, 110, 150),
    ),
    Lighting(
        name="night",
        prompt="night, dark",
        gains=(1.02, 0.96, 0.92),
        exposure=0.42,
        contrast=1.0,
        saturation=0.75,
        direction=(0.3, -0.9),
        directional=0.22,
        shadow=0.4,
        shadow_length=0.12,
        lamp=0.55,
    ),
    Lighting(
        name="fog",
        prompt="fog, mist",
        gains=(0.99, 1.0, 1.02),
        exposure=0.98,
        contrast=0.72,
        saturation=0.75,
        direction=(0.0, -1.0),
        directional=0.0,
        shadow=0.12,
        shadow_length=0.0,
        haze=0.30,
    ),
    Lighting(
        name="lamplight",
        prompt="artificial light, neon lights",
        gains=(1.10, 0.96, 1.06),
        exposure=0.78,
        contrast=1.06,
        saturation=1.12,
        direction=(0.9, -0.3),
        directional=0.30,
        shadow=0.32,
        shadow_length=0.15,
        lamp=0.25,
        haze=0.05,
        haze_color=(190, 90, 200),
    ),
)

# The light of a picture that has yet to be lit, and its words for the prompt.
NEUTRAL = "neutral"
NEUTRAL_PROMPT = "neutral soft even lighting"

_BY_NAME = {lighting.name: lighting for lighting in LIGHTINGS}


def get_lighting(name: str) -> Lighting:
    """Return a lighting by its name.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in _BY_NAME:
        raise ValueError(f"unknown lighting {name!r}; known: {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def relight(
    rgb: np.ndarray,
    lighting: Lighting,
    alpha: np.ndarray | None = None,
    window: tuple[slice, slice] | None = None,
) -> np.ndarray:
    """Light a picture that was drawn in neutral light.

    Args:
        rgb: (h, w, 3) uint8.
        lighting: the light.
        alpha: (H, W) uint8 coverage of a person, whose rounded shape then is brighter on the lit
            side; None for a background, which gets a gradient over the whole picture instead.
        window: (rows, columns) of the coverage that ``rgb`` is; all of it if None.

    Returns:
        (h, w, 3) uint8, a new array.
    """
    height, width = rgb.shape[:2] if alpha is None else alpha.shape
    window = window or (slice(0, height), slice(0, width))
    lit = saturate(cv2.LUT(rgb, _tone_table(lighting)), lighting.saturation)
    light = _light_field(height, width, lighting, person=alpha is not None)[window]
    if alpha is not None and lighting.directional:
        light = light + lighting.directional * _side_light(alpha, lighting.direction)[window]
    if not lighting.haze:
        return cv2.multiply(lit, cv2.merge([light] * 3), dtype=cv2.CV_8U)
    haze, glow = _haze_field(height, width, lighting, person=alpha is not None)
    lit = cv2.multiply(lit, cv2.merge([light * (1.0 - haze[window])] * 3))
    return cv2.add(lit, glow[window], dtype=cv2.CV_8U)


@lru_cache(maxsize=32)
def _tone_table(lighting: Lighting) -> np.ndarray:
    """(1, 256, 3) float32: white balance, exposure and contrast of every grey level."""
    level = np.linspace(0.0, 1.0, 256)[:, None] * np.array(lighting.gains) * lighting.exposure
    middle = 0.45 * min(1.0, lighting.exposure)
    level = middle + (level - middle) * lighting.contrast
    # Highlights roll off instead of clipping, so that white clothes keep their folds.
    level = np.where(level > 0.8, 0.8 + 0.2 * np.tanh((level - 0.8) / 0.2), np.maximum(level, 0.0))
    return (255.0 * level).astype(np.float32).reshape(1, 256, 3)


@lru_cache(maxsize=64)
def _light_field(height: int, width: int, lighting: Lighting, *, person: bool) -> np.ndarray:
    """(H, W) float32 factor: a gradient over a background, and the pool of light of a lamp."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width * 2.0 - 1.0, y / height * 2.0 - 1.0
    field = np.ones((height, width), np.float32)
    if not person:
        dx, dy = lighting.direction
        field += 0.5 * lighting.directional * (x * dx + y * dy)
    if lighting.lamp:
        radius = np.hypot(x / 1.1, (y - 0.1) / 1.25)
        field += lighting.lamp * (1.6 * np.exp(-1.6 * radius**2) - 0.5)
    return np.maximum(field, 0.05)


@lru_cache(maxsize=64)
def _haze_field(
    height: int, width: int, lighting: Lighting, *, person: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) float32 share of haze, and (H, W, 3) float32 light that it adds.

    It is even over a person, and thicker towards the far top of a scene.
    """
    haze = np.full((height, width), lighting.haze, np.float32)
    if not person:
        far = 1.0 - np.linspace(0.0, 1.0, height, dtype=np.float32)
        haze *= (0.75 + 1.1 * far)[:, None]
    return haze, haze[:, :, None] * np.array(lighting.haze_color, np.float32)


def _side_light(alpha: np.ndarray, direction: tuple[float, float]) -> np.ndarray:
    """(H, W) float32 in about -1..1: how much a rounded body faces the light.

    The blurred coverage is taken as the height of a cushion, whose slope replaces surface normals.
    """
    size = max(3, alpha.shape[0] // 24) | 1
    cushion = cv2.blur(cv2.blur(alpha, (size, size)), (size, size))
    slope_x = cv2.Sobel(cushion, cv2.CV_32F, 1, 0, ksize=3)
    slope_y = cv2.Sobel(cushion, cv2.CV_32F, 0, 1, ksize=3)
    toward = slope_x * -direction[0] + slope_y * -direction[1]
    return np.clip(toward * (size / 1400.0), -1.0, 1.0)

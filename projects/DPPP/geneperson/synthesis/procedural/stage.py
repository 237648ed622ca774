"""The stage a scene is painted on: pixels, glow, and the geometry of its ground.

Lengths are in meters: a person on the front of the picture is 1.7 m high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ...worlds.lighting import Lighting, relight
from .scene_styles import SceneStyle

Color = tuple[float, float, float] | np.ndarray  # R, G, B, 0..255
Span = tuple[float, float]  # from, to in meters
Point = tuple[float, float]  # x, y in pixels

_FEET = 0.94  # y of the ground point of the person, of the picture's height
_PERSON = 0.76  # height of the person, of the picture's height
FRONT = 6.0  # meters from the camera to the person


@dataclass(kw_only=True)
class Stage:
    """A picture being painted: pixels, glow, and the geometry of its ground plane.

    Attributes:
        image: (h, w, 3) float32 RGB 0..255 in neutral light.
        glow: (h, w, 3) float32, light of its own: lamps, signs and lit windows.
        horizon: y of the horizon in pixels; above the picture for a camera that looks down.
        rng: source of every random choice.
        style: palette and layouts.
        lit: whether lamps are on.
    """

    image: np.ndarray
    glow: np.ndarray
    horizon: float
    rng: np.random.Generator
    style: SceneStyle
    lit: bool

    @property
    def height(self) -> int:
        """Height of the picture in pixels."""
        return self.image.shape[0]

    @property
    def width(self) -> int:
        """Width of the picture in pixels."""
        return self.image.shape[1]

    def scale(self, distance: float) -> float:
        """Return the pixels per meter at a distance from the camera."""
        return _PERSON * self.height / 1.7 * FRONT / distance

    def ground_y(self, distance: float) -> float:
        """Return the y of the ground at a distance from the camera, in pixels."""
        return self.horizon + (_FEET * self.height - self.horizon) * FRONT / distance

    def point(self, x: float, up: float, distance: float) -> tuple[float, float]:
        """Return the pixel of a point ``x`` meters right of the middle and ``up`` above ground."""
        scale = self.scale(distance)
        return 0.5 * self.width + x * scale, self.ground_y(distance) - up * scale

    def polygon(self, points: Sequence[Point], color: Color, glow: Color | None = None) -> None:
        """Fill a polygon; without ``glow`` it hides the glow behind it."""
        corners = np.round(np.array(points) * 16).astype(np.int32)
        shown = [float(c) for c in color]
        cv2.fillPoly(self.image, [corners], shown, cv2.LINE_AA, 4)
        light = [0.0, 0.0, 0.0] if glow is None else [float(c) for c in glow]
        cv2.fillPoly(self.glow, [corners], light, cv2.LINE_AA, 4)

    def box(
        self, across: Span, up: Span, distance: float, color: Color, glow: Color | None = None
    ) -> None:
        """Draw a rectangle that faces the camera.

        Args:
            across: (left, right) in meters from the middle.
            up: (low, high) in meters above the ground.
            distance: from the camera in meters.
            color: of its surface.
            glow: its own light, seen when lamps are lit.
        """
        left, bottom = self.point(across[0], up[0], distance)
        right, top = self.point(across[1], up[1], distance)
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], color, glow)

    def slab(self, across: Span, along: Span, color: Color) -> None:
        """Draw a rectangle on the ground: (left, right) and (near, far) in meters."""
        self.polygon(self._on_ground(across, along), color)

    def shade(self, across: Span, along: Span, factor: float) -> None:
        """Darken a rectangle of the ground below something, softly."""
        corners = self._on_ground(across, along)
        (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
        x = np.arange(max(0, int(left)), min(self.width, int(right) + 1))
        y = np.arange(max(0, int(top)), min(self.height, int(bottom) + 1))
        if not x.size or not y.size:
            return
        across = 1.0 - ((x - 0.5 * (left + right)) / (0.5 * (right - left) + 1.0)) ** 2
        down = 1.0 - ((y - 0.5 * (top + bottom)) / (0.5 * (bottom - top) + 1.0)) ** 2
        soft = np.clip(np.outer(down, across) * 1.6, 0.0, 1.0)[:, :, None]
        self.image[y[0] : y[-1] + 1, x[0] : x[-1] + 1] *= 1.0 - (1.0 - factor) * soft

    def _on_ground(self, across: Span, along: Span) -> list[Point]:
        (left, right), (near, far) = across, along
        corners = ((left, near), (right, near), (right, far), (left, far))
        return [self.point(x, 0.0, z) for x, z in corners]

    def pick(self, *colors: Color) -> np.ndarray:
        """Draw one of the colors, varied a little, in the palette of the style."""
        color: np.ndarray = np.array(colors[self.rng.integers(len(colors))], np.float32)
        color = color * self.rng.uniform(0.88, 1.12) + self.rng.normal(0.0, 5.0, 3)
        grey = 1.0 - self.style.saturation
        color = self.style.saturation * color + grey * color.mean() + self.style.tint
        return np.clip(color, 4.0, 250.0).astype(np.float32)

    def uniform(self, low: float, high: float) -> float:
        """Draw a number from a range."""
        return float(self.rng.uniform(low, high))

    def grain(self, strength: float, seed: int) -> None:
        """Roughen what is below the horizon, more finely with distance."""
        top = max(0, int(self.horizon) + 2)
        rows = np.arange(top, self.height, dtype=np.float32)[:, None]
        distance = FRONT * (_FEET * self.height - self.horizon) / (rows - self.horizon)
        scale = _PERSON * self.height / 1.7 * FRONT / distance
        x = (np.arange(self.width, dtype=np.float32)[None, :] - 0.5 * self.width) / scale
        tile = noise_tile(seed)
        place_x = np.mod(x * 90.0 + 1000.0, 255.0).astype(np.float32)
        place_y = np.broadcast_to(np.mod(distance * 45.0, 255.0), x.shape).astype(np.float32)
        noise = cv2.remap(tile, place_x, place_y, cv2.INTER_LINEAR)
        self.image[top:] *= (1.0 + strength * noise)[:, :, None]


def develop(stage: Stage, lighting: Lighting) -> np.ndarray:
    """Soften, mottle and light a painted stage, (h, w, 3) uint8."""
    height, width = stage.height, stage.width
    image = stage.image
    cells = stage.rng.normal(0.0, 1.0, (10, 12)).astype(np.float32)
    mottle = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    image *= 1.0 + 0.03 * mottle[:, :, None]
    # Sharp where the person stands, soft in the distance.
    soft = cv2.GaussianBlur(image, (0, 0), height / 115.0)
    focus = np.linspace(0.15, 0.75, height, dtype=np.float32)[:, None, None]
    image = soft + (image - soft) * focus
    tile = noise_tile(7)
    shift = stage.rng.integers(0, 256, 2)
    fine = np.tile(np.roll(tile, shift, (0, 1)), (-(-height // 256), -(-width // 256)))
    image += (3.0 * fine[:height, :width])[:, :, None]
    lit = relight(np.clip(image, 0.0, 255.0).astype(np.uint8), lighting)
    if not stage.lit:
        return lit
    halo = cv2.GaussianBlur(stage.glow, (0, 0), height / 24.0)
    shine = lit + 0.40 * cv2.GaussianBlur(stage.glow, (0, 0), height / 150.0) + 0.28 * halo
    return np.clip(shine, 0.0, 255.0).astype(np.uint8)


@lru_cache(maxsize=16)
def noise_tile(seed: int) -> np.ndarray:
    """(256, 256) float32 noise of several grain sizes and unit deviation."""
    rng = np.random.default_rng(seed)
    tile = np.zeros((256, 256), np.float32)
    for cells, weight in ((256, 0.55), (64, 0.55), (24, 0.4), (8, 0.3)):
        layer = rng.normal(size=(cells, cells)).astype(np.float32)
        tile += weight * cv2.resize(layer, (256, 256), interpolation=cv2.INTER_LINEAR)
    return tile / tile.std()

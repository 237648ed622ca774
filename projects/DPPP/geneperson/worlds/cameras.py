"""What a camera does to a finished picture: occlusion, resolution, blur, tone, noise and JPEG.

Each scene has its own camera, as each camera of a real Re-ID data set has its own look.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .color import saturate
from .occlusion import THINGS, occlude

_JPEG_JITTER = 6.0  # how far the quality of one image may be from the camera's


@dataclass(frozen=True, kw_only=True)
class Camera:
    """One camera's look; every value is jittered a little from image to image.

    Attributes:
        resolution: share of the pixels' height and width that the sensor resolves, 0..1.
        blur: sigma of the lens blur, pixels of a 256-high image.
        noise: standard deviation of the sensor noise in grey levels of 255.
        cast: factors of R, G, B.
        contrast: around mid grey, 1 = unchanged.
        gamma: exponent of the tone curve, above 1 darkens the middle tones.
        saturation: 0 = grey, 1 = unchanged.
        black: grey level that black is lifted to, 0..255.
        jpeg: quality of the camera's own compression, 1..100; 0 = not compressed.
        occlusion: probability that something occludes the person, 0..1.
        occluders: names from ``occlusion.THINGS``, what may occlude people of this camera.
    """

    resolution: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    gamma: float = 1.0
    saturation: float = 1.0
    black: float = 0.0
    jpeg: int = 0
    occlusion: float = 0.0
    occluders: tuple[str, ...] = tuple(THINGS)

    @property
    def quality(self) -> tuple[str, ...]:
        """Words for how its pictures look, as a person would say; none for an ordinary picture."""
        red, _, blue = self.cast
        said = {
            "low resolution": self.resolution < 0.6,
            "blurry": self.blur > 0.7,
            "grainy": self.noise > 7.0,
            "sharp": self.resolution > 0.85 and self.blur < 0.4 and self.noise < 4.0,
            "faded": self.saturation < 0.78,
            "warm": red - blue > 0.1,
            "cold": blue - red > 0.1,
        }
        return tuple(words for words, holds in said.items() if holds)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return an (H, W, 3) uint8 image as this camera would have recorded it, a new array."""
        height, width = image.shape[:2]
        if self.occlusion and rng.random() < self.occlusion:
            image = occlude(image, rng, self.occluders)
        jitter = rng.uniform(-1.0, 1.0, 6)
        image = self._resolve(image, 1.0 + 0.12 * jitter[0])
        seen = cv2.LUT(image, self._tone_table(jitter[1], jitter[2:5]))
        if self.saturation != 1.0:
            seen = saturate(seen, self.saturation)
        strength = self.noise * (1.0 + 0.25 * jitter[5])
        fine = np.zeros((height, width), np.float32)
        if self.noise:
            rng.standard_normal(dtype=np.float32, out=fine)
            # Chroma noise is coarser than luma noise: sensors interpolate color.
            coarse = rng.standard_normal((height // 2 + 1, width // 2 + 1, 3), np.float32)
            seen = cv2.scaleAdd(cv2.resize(coarse, (width, height)), 0.6 * strength, seen)
        grain = cv2.merge([fine] * 3)
        recorded = cv2.addWeighted(seen, 1.0, grain, strength, 0.0, dtype=cv2.CV_8U)
        return self._compress(recorded, rng) if self.jpeg else recorded

    def _resolve(self, image: np.ndarray, factor: float) -> np.ndarray:
        height, width = image.shape[:2]
        resolution = min(1.0, self.resolution * factor)
        if resolution < 0.98:
            small = (max(1, round(width * resolution)), max(1, round(height * resolution)))
            image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        sigma = self.blur * factor * height / 256.0
        return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.2 else image

    def _tone_table(self, exposure_jitter: float, cast_jitter: np.ndarray) -> np.ndarray:
        level = np.linspace(0.0, 1.0, 256)[:, None] ** self.gamma
        level = level * np.array(self.cast) * (1.0 + 0.05 * exposure_jitter + 0.015 * cast_jitter)
        level = 0.5 + (level - 0.5) * self.contrast
        black = self.black / 255.0
        level = black + (1.0 - black) * np.clip(level, 0.0, 1.0)
        return (255.0 * level).astype(np.float32).reshape(1, 256, 3)

    def _compress(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return an (H, W, 3) uint8 image after the camera's JPEG encoder and a decoder."""
        quality = round(self.jpeg + rng.uniform(-_JPEG_JITTER, _JPEG_JITTER))
        # OpenCV's order is B, G, R, which decides what is luma and what is chroma.
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, min(max(quality, 1), 100)])
        decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
        assert decoded is not None  # OpenCV reads what it has written
        return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)

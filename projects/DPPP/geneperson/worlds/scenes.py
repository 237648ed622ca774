"""The six scenes, which act as the cameras c1..c6, and the pool of background pictures."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from .lighting import LIGHTINGS, Lighting

SCENES = ("street", "commercial", "park", "field", "residential", "indoor")
# What is in a scene, for the paper's background template.
_SCENERY = {
    "street": "outdoors, street, {lighting}, building, tree",
    "commercial": "outdoors, commercial area, {lighting}, shops, shop windows, signs",
    "park": "outdoors, park, {lighting}, path, lawn, tree",
    "field": "outdoors, field, {lighting}, grass, footpath, sky",
    "residential": "outdoors, residential area, {lighting}, houses, fence, parked car",
    "indoor": "indoors, shopping mall corridor, {lighting}, floor, wall",
}
NEGATIVE_PROMPT = "person, people, pedestrian, crowd, face, text, watermark, blurry, lowres"
_ZOOM = (0.84, 1.0)  # height of a crop as a share of the picture's height


def background_prompt(scene: str, lighting: Lighting) -> str:
    """Fill the paper's background template: scenery, place, lighting, things, realistic."""
    words = _SCENERY[scene].format(lighting=lighting.prompt)
    return f"scenery, {words}, realistic, photo background"


class Painter(Protocol):
    """A source of background pictures: a synthesizer, or a folder of finished ones."""

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Return picture number ``index`` of a scene under a lighting, (h, w, 3) uint8."""


class ScenePool:
    """Pictures for every scene and lighting, made when first needed, and kept.

    Random crops of a few pictures replace a new picture per image, because a diffusion model needs
    seconds for each.

    Args:
        painter: makes the pictures.
        pool_size: pictures per scene and lighting.
    """

    def __init__(self, painter: Painter, pool_size: int) -> None:
        self._painter = painter
        self._pool_size = pool_size
        self._pictures: dict[tuple[str, str, int], np.ndarray] = {}

    def crop(
        self, scene: str, lighting: str, size: tuple[int, int], rng: np.random.Generator
    ) -> np.ndarray:
        """Cut a random part out of a random picture.

        Args:
            scene: one of ``SCENES``.
            lighting: name of one of ``LIGHTINGS``.
            size: (height, width) of the crop.
            rng: draws both.

        Returns:
            (height, width, 3) uint8.
        """
        height, width = size
        picture = self._picture(scene, lighting, int(rng.integers(self._pool_size)))
        zoom, across, down = rng.uniform(size=3)
        # The largest window of this shape that fits, then a slight zoom into it.
        fit = min(picture.shape[0] / height, picture.shape[1] / width)
        fit *= _ZOOM[0] + (_ZOOM[1] - _ZOOM[0]) * zoom
        window_height, window_width = round(height * fit), round(width * fit)
        left = round(across * (picture.shape[1] - window_width))
        top = round(down * (picture.shape[0] - window_height))
        window = picture[top : top + window_height, left : left + window_width]
        interpolation = cv2.INTER_AREA if fit > 1.0 else cv2.INTER_LINEAR
        return cv2.resize(window, (width, height), interpolation=interpolation)

    def _picture(self, scene: str, lighting: str, index: int) -> np.ndarray:
        key = (scene, lighting, index)
        if key not in self._pictures:
            self._pictures[key] = self._painter.background(scene, lighting, index)
        return self._pictures[key]


def assign_scenes(num_images: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Draw (scene index, lighting index) for each image of one identity.

    Scenes and lightings are each dealt like cards, deck after deck, so that an identity with three
    or more images is seen in at least three scenes and three lightings.
    """
    scenes = _dealt(num_images, len(SCENES), rng)
    lightings = _dealt(num_images, len(LIGHTINGS), rng)
    return list(zip(scenes, lightings, strict=True))


def _dealt(count: int, num_kinds: int, rng: np.random.Generator) -> list[int]:
    """Draw kinds so that none repeats before the current deck has been dealt completely."""
    decks = [rng.permutation(num_kinds) for _ in range(-(-count // num_kinds))]
    return [int(kind) for deck in decks for kind in deck][:count]

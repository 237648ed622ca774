"""The six scenes, which act as the six cameras c1..c6, and the pool their crops are taken from."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from .lighting import LIGHTINGS, Lighting

SCENES = ("street", "commercial", "park", "field", "residential", "indoor")
# What stands in a scene, for the paper's background template.
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
    """Whatever gives background pictures: a synthesizer, or a folder of finished ones."""

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray: ...


class ScenePool:
    """`pool_size` pictures for every scene and lighting, made when first asked for, and kept.

    A handful of pictures and random crops of them stand in for an endless supply, because a
    diffusion model needs seconds for each one.
    """

    def __init__(self, synthesizer: Painter, pool_size: int):
        self._synthesizer = synthesizer
        self._pool_size = pool_size
        self._pictures: dict[tuple[str, str, int], np.ndarray] = {}

    def crop(
        self, scene: str, lighting: str, size: tuple[int, int], rng: np.random.Generator
    ) -> np.ndarray:
        """A random part of a random picture.

        Args:
            scene: one of SCENES.
            lighting: name of one of LIGHTINGS.
            size: (height, width) wanted.

        Returns:
            (height, width, 3) uint8.
        """
        height, width = size
        picture = self._picture(scene, lighting, int(rng.integers(self._pool_size)))
        zoom, across, down = rng.uniform(size=3)
        # The largest window of the wanted shape that fits, then a mild zoom into it.
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
            self._pictures[key] = self._synthesizer.background(scene, lighting, index)
        return self._pictures[key]


def assign_scenes(num_images: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(scene index, lighting index) for each image of one identity, drawn at random.

    Scenes and lightings are each dealt like cards, deck after deck, so that an identity with three
    or more images is seen in at least three scenes and three lightings.
    """
    scenes = _dealt(num_images, len(SCENES), rng)
    lightings = _dealt(num_images, len(LIGHTINGS), rng)
    return list(zip(scenes, lightings, strict=True))


def _dealt(count: int, num_kinds: int, rng: np.random.Generator) -> list[int]:
    """`count` draws that repeat no kind before every kind of the running deck has been dealt."""
    decks = [rng.permutation(num_kinds) for _ in range(-(-count // num_kinds))]
    return [int(kind) for deck in decks for kind in deck][:count]

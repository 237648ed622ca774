"""The six scenes, which act as the cameras c1..c6: their words, their dealing, their pictures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from .lighting import LIGHTINGS, NEUTRAL, Lighting

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
_LIGHTING_NAMES = [lighting.name for lighting in LIGHTINGS]
_INDOOR = SCENES.index("indoor")
_OUTDOOR_ONLY = {_LIGHTING_NAMES.index(name) for name in ("noon", "fog")}
_ZOOM = (0.84, 1.0)  # height of a crop as a share of the picture's height


def background_prompt(scene: str, lighting: Lighting) -> str:
    """Fill the paper's background template: scenery, place, lighting, things, realistic."""
    words = _SCENERY[scene].format(lighting=lighting.prompt)
    return f"scenery, {words}, realistic, photo background"


class Painter(Protocol):
    """A source of background pictures."""

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Return picture number ``index`` of a scene under a lighting, (h, w, 3) uint8."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where and in which light one image is shown.

    Attributes:
        scene: index in ``SCENES``.
        lighting: index in ``LIGHTINGS``.
        picture: number of the background picture among those of this scene and lighting.
    """

    scene: int
    lighting: int
    picture: int

    @property
    def background(self) -> tuple[str, str, int]:
        """The arguments of ``Painter.background``."""
        return SCENES[self.scene], LIGHTINGS[self.lighting].name, self.picture


class PictureCache:
    """The background pictures used last, as many as fit into a bounded memory."""

    def __init__(self, max_bytes: int = 1 << 28) -> None:
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._pictures: OrderedDict[tuple[str, str, int], np.ndarray] = OrderedDict()

    def get(self, place: Place, painter: Painter) -> np.ndarray:
        """Return a place's picture, (h, w, 3) uint8, painted if it is not in memory."""
        key = place.background
        if key in self._pictures:
            self._pictures.move_to_end(key)
            return self._pictures[key]
        picture = self._pictures[key] = painter.background(*key)
        self._num_bytes += picture.nbytes
        while self._num_bytes > self._max_bytes and len(self._pictures) > 1:
            self._num_bytes -= self._pictures.popitem(last=False)[1].nbytes
        return picture


def crop(picture: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Cut a random part out of a background picture.

    Random crops of a few pictures replace a new picture per image, because a diffusion model needs
    seconds for each.

    Args:
        picture: (H, W, 3) uint8.
        size: (height, width) of the crop.
        rng: draws the part.

    Returns:
        (height, width, 3) uint8.
    """
    height, width = size
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


def deal(drawn_under: Sequence[str], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Draw (scene index, lighting index) for each image of one identity.

    Scenes and lightings are each dealt like cards, deck after deck, so that an identity with three
    or more images is seen in at least three scenes. An image that was drawn in neutral light is
    dealt a lighting; another one keeps the lighting that it was drawn under.

    Args:
        drawn_under: the light of each image: ``NEUTRAL``, or the name of a lighting.
        rng: draws both.
    """
    num_images = len(drawn_under)
    scenes = _dealt(num_images, len(SCENES), rng)
    lightings = [
        dealt if name == NEUTRAL else _LIGHTING_NAMES.index(name)
        for name, dealt in zip(drawn_under, _dealt(num_images, len(LIGHTINGS), rng), strict=True)
    ]
    return list(zip(_moved_outdoors(scenes, lightings), lightings, strict=True))


def _moved_outdoors(scenes: Sequence[int], lightings: Sequence[int]) -> list[int]:
    """Exchange the scenes of images so that none is indoors under fog or the noon sun."""
    moved = list(scenes)
    for image, scene in enumerate(moved):
        if scene != _INDOOR or lightings[image] not in _OUTDOOR_ONLY:
            continue
        others = (
            other
            for other, theirs in enumerate(moved)
            if theirs != _INDOOR and lightings[other] not in _OUTDOOR_ONLY
        )
        other = next(others, None)
        if other is None:  # all images are under such a light
            moved[image] = image % _INDOOR
        else:
            moved[image], moved[other] = moved[other], scene
    return moved


def _dealt(count: int, num_kinds: int, rng: np.random.Generator) -> list[int]:
    """Draw kinds so that none repeats before the current deck has been dealt completely."""
    decks = [rng.permutation(num_kinds) for _ in range(-(-count // num_kinds))]
    return [int(kind) for deck in decks for kind in deck][:count]

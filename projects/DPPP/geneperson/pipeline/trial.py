"""A few candidates, made for the sake of their time and size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..synthesis import Synthesizer
from ..worlds.lighting import LIGHTINGS
from ..worlds.scenes import SCENES
from .candidate import CandidateMaker
from .spec import BuildSpec

_CANDIDATES = 6


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What was measured.

    Attributes:
        candidates: how many were made.
        candidate_sec: time of one, all backgrounds in memory.
        background_sec: time of one background.
        images: of one candidate, on average.
        image_bytes: of one image, on average; 0 if there was none.
    """

    candidates: int
    candidate_sec: float
    background_sec: float
    images: float
    image_bytes: float


class _OneOfEachScene:
    """A painter whose pictures were painted before."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        lightings = [LIGHTINGS[number].name for number, _ in enumerate(SCENES)]
        places = zip(SCENES, lightings, strict=True)
        self.pictures = {
            scene: synthesizer.background(scene, lighting, 0) for scene, lighting in places
        }

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Return the picture of a scene, (h, w, 3) uint8, whatever the lighting and the number."""
        return self.pictures[scene]


def try_out(spec: BuildSpec) -> Trial:
    """Make a few candidates of a route that draws in the workers."""
    start = time.perf_counter()
    painter = _OneOfEachScene(spec.build_synthesizer())
    background_sec = (time.perf_counter() - start) / len(painter.pictures)
    maker = CandidateMaker(spec)
    first, *others = islice(spec.identities(), 1 + _CANDIDATES)
    maker.make(first, painter)
    start = time.perf_counter()
    made = [maker.make(person, painter) for person in others]
    seconds = time.perf_counter() - start
    sizes = [len(image.jpeg) for candidate in made for image in candidate.images]
    return Trial(
        candidates=len(made),
        candidate_sec=seconds / max(1, len(made)),
        background_sec=background_sec,
        images=len(sizes) / max(1, len(made)),
        image_bytes=sum(sizes) / len(sizes) if sizes else 0.0,
    )

"""Backgrounds without people: a detector looks at each new picture before it is used.

A passer-by in a background would be a second person in the images of many identities.
"""

from __future__ import annotations

import logging

import numpy as np

from ..posing.detector import PoseDetector
from ..worlds.scenes import Painter

MAX_PAINTED = 5  # pictures tried for one background

_STRIDE = 1_000_000  # between the numbers of these pictures; no pool is that large

logger = logging.getLogger(__name__)


class WithoutPeople:
    """A ``Painter`` that paints another picture when somebody is seen in one.

    Args:
        painter: paints.
        detector: looks.
    """

    def __init__(self, painter: Painter, detector: PoseDetector) -> None:
        self._painter = painter
        self._detector = detector

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Return the first of ``MAX_PAINTED`` pictures that shows nobody, (h, w, 3) uint8.

        If all show somebody, the last one is returned and a warning names it: what a detector
        takes for a person may be a statue or a poster, and should not end a build.
        """
        for attempt in range(MAX_PAINTED):
            picture = self._painter.background(scene, lighting, index + attempt * _STRIDE)
            if not self._detector.people(picture):
                return picture
        logger.warning(
            "background %s_%s_%03d: the pose detector sees a person in each of %d pictures; the "
            "last one is used, look at it",
            *(scene, lighting, index, MAX_PAINTED),
        )
        return picture

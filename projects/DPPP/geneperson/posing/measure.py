"""Measurements on a flat skeleton: the ground line, the person's height, the way they face.

Letters: points is (18, 2), x right and y down in one unit (pixels, or cell heights), NaN where a
joint was not seen. The proportions are those of the walking model in ``skeletons``.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from . import skeletons

_ARMS = (skeletons.R_ELBOW, skeletons.R_WRIST, skeletons.L_ELBOW, skeletons.L_WRIST)
# Arms may be raised, so they say nothing about a body's height.
_UPRIGHT = tuple(joint for joint in range(skeletons.NUM_JOINTS) if joint not in _ARMS)
_MIN_SPAN = 0.25  # body heights between the highest and the lowest joint; a trunk has 0.3
_MAX_WIDTH = 1.5  # width of a standing body in body heights; spread arms make it about 1
_NUM_PHASES = 16  # of the gait, for its mean


def standing(points: np.ndarray) -> tuple[float, float] | None:
    """Measure an upright body by the highest and the lowest joint that were seen.

    Returns:
        y of the ground line and the body's height from the ground to the crown, in the unit of
        ``points``; None if the body is not upright or too little of it was seen.
    """
    seen = [joint for joint in _UPRIGHT if np.isfinite(points[joint]).all()]
    if not seen:
        return None
    high = min(seen, key=lambda joint: points[joint, 1])
    low = max(seen, key=lambda joint: points[joint, 1])
    above_ground = _proportions()[:, 1]
    span = above_ground[high] - above_ground[low]
    if span < _MIN_SPAN:
        return None
    height = float(points[low, 1] - points[high, 1]) / span
    width = np.nanmax(points[:, 0]) - np.nanmin(points[:, 0])
    if not width <= _MAX_WIDTH * height:
        return None
    return float(points[low, 1]) + above_ground[low] * height, height


def guess_azimuth(points: np.ndarray) -> float:
    """Guess which way a person faces, in degrees; 0 to the camera, 90 to the viewer's right.

    The order and distance of the shoulders (or hips) distinguish front from back. The position of
    the nose relative to the neck distinguishes left from right; from behind, a visible eye or ear.
    """
    measured = standing(points)
    height = measured[1] if measured else math.nan
    cosine = _breadth(points, skeletons.L_SHOULDER, skeletons.R_SHOULDER, height)
    if math.isnan(cosine):
        cosine = _breadth(points, skeletons.L_HIP, skeletons.R_HIP, height)
    seen = np.isfinite(points).all(axis=1)
    sine = _breadth(points, skeletons.NOSE, skeletons.NECK, height, axis=2)
    if math.isnan(cosine):  # from the side, one shoulder and one hip hide the others
        size = 1.0 if math.isnan(sine) else math.sqrt(1.0 - sine**2)
        cosine = size if seen[skeletons.NOSE] else -size
    if math.isnan(sine):
        right, left = (
            seen[[skeletons.R_EYE, skeletons.R_EAR]].any(),
            seen[[skeletons.L_EYE, skeletons.L_EAR]].any(),
        )
        sine = (int(right) - int(left)) * math.sqrt(1.0 - cosine**2)
    return math.degrees(math.atan2(sine, cosine)) % 360.0


def _breadth(points: np.ndarray, end: int, start: int, height: float, axis: int = 0) -> float:
    """Return the distance of two joints in the image relative to the body frame's, -1..1.

    NaN if a joint or the body's height is unknown.
    """
    mean = _proportions()
    full = (mean[end, axis] - mean[start, axis]) * height
    return float(np.clip((points[end, 0] - points[start, 0]) / full, -1.0, 1.0))


@lru_cache(maxsize=1)
def _proportions() -> np.ndarray:
    """Return the (18, 3) mean joints of the walking body, height 1, both feet on the ground."""
    gait = np.stack([skeletons.body_joints(phase / _NUM_PHASES) for phase in range(_NUM_PHASES)])
    mean = gait.mean(axis=0)
    mean[[skeletons.R_ANKLE, skeletons.L_ANKLE], 1] = gait[
        :, [skeletons.R_ANKLE, skeletons.L_ANKLE], 1
    ].min()
    return mean

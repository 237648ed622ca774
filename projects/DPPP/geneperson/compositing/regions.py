"""The parts of a body that a skeleton spans, as masks: torso, legs, head and feet."""

from __future__ import annotations

import cv2
import numpy as np

from ..posing.skeletons import (
    FACE,
    L_ANKLE,
    L_HIP,
    L_SHOULDER,
    LEGS,
    R_ANKLE,
    R_HIP,
    R_SHOULDER,
    Pose,
)

NUM_CLOTHES = 2  # torso and legs, the first two parts; they look alike from all sides, heads do not

_TRUNK = (R_SHOULDER, L_SHOULDER, L_HIP, R_HIP)
# In cell heights, for a body that fills 0.86 of its cell.
_TRUNK_MARGIN = 0.02  # around the trunk's joints, which are on one line from the side
_LEG_WIDTH = 0.035  # of a stripe along a leg, narrower than the leg
_HEAD_RADIUS = 0.055
_FOOT_RADIUS = 0.025
_FOOT_DROP = 0.015  # from the ankle to the middle of the foot


def body_parts(pose: Pose, height: int, width: int) -> list[np.ndarray]:
    """Return torso, legs, head and feet, as the skeleton spans them.

    Args:
        pose: the skeleton.
        height: of the cell in pixels.
        width: of the cell in pixels.

    Returns:
        Four masks (height, width) uint8 of 0 and 1; empty where the joints are unknown.
    """
    points = pose.joints[:, :2] * (width, height)
    known = pose.visible & np.isfinite(points).all(axis=1)
    torso, legs, head, feet = np.zeros((4, height, width), np.uint8)
    trunk = [joint for joint in _TRUNK if known[joint]]
    if trunk:
        cv2.fillConvexPoly(torso, cv2.convexHull(_pixels(points[trunk])), 1)
        margin = 2 * round(_TRUNK_MARGIN * height) + 1
        cv2.dilate(torso, np.ones((margin, margin), np.uint8), dst=torso)
    for leg in LEGS:
        joints = [joint for joint in leg if known[joint]]
        if joints:
            thickness = max(1, round(_LEG_WIDTH * height))
            cv2.polylines(legs, [_pixels(points[joints])], False, 1, thickness)  # noqa: FBT003
    face = [joint for joint in FACE if known[joint]]
    if face:
        _fill_disc(head, points[face].mean(axis=0), _HEAD_RADIUS * height)
    for ankle in (R_ANKLE, L_ANKLE):
        if known[ankle]:
            _fill_disc(feet, points[ankle] + (0.0, _FOOT_DROP * height), _FOOT_RADIUS * height)
    return [torso, legs, head, feet]


def _pixels(points: np.ndarray) -> np.ndarray:
    return np.round(points).astype(np.int32)


def _fill_disc(mask: np.ndarray, center: np.ndarray, radius: float) -> None:
    x, y = _pixels(center).tolist()
    cv2.circle(mask, (x, y), max(1, round(radius)), 1, -1)

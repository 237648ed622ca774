"""The parts of a body that a skeleton spans, as masks: where the clothes of a cell are."""

from __future__ import annotations

import cv2
import numpy as np

from ..posing.skeletons import L_HIP, L_SHOULDER, LEGS, R_HIP, R_SHOULDER, Pose

_TRUNK = (R_SHOULDER, L_SHOULDER, L_HIP, R_HIP)
_TRUNK_MARGIN = 0.02  # cell heights around the trunk's joints: from the side they are on one line
_LEG_WIDTH = 0.035  # of a leg's stripe, in cell heights; narrower than a leg


def clothed_regions(pose: Pose, height: int, width: int) -> list[np.ndarray]:
    """Return the torso and the legs as the skeleton spans them.

    Args:
        pose: the skeleton.
        height: of the cell in pixels.
        width: of the cell in pixels.

    Returns:
        Two masks (height, width) uint8 of 0 and 1; empty where the joints are unknown.
    """
    points = pose.joints[:, :2] * (width, height)
    known = pose.visible & np.isfinite(points).all(axis=1)
    torso, legs = np.zeros((2, height, width), np.uint8)
    trunk = [joint for joint in _TRUNK if known[joint]]
    if trunk:
        hull = cv2.convexHull(np.round(points[trunk]).astype(np.int32))
        cv2.fillConvexPoly(torso, hull, 1)
        margin = 2 * round(_TRUNK_MARGIN * height) + 1
        torso = cv2.dilate(torso, np.ones((margin, margin), np.uint8))
    for leg in LEGS:
        joints = [joint for joint in leg if known[joint]]
        if not joints:
            continue
        line = np.round(points[joints]).astype(np.int32).reshape(-1, 1, 2)
        thickness = max(1, round(_LEG_WIDTH * height))
        cv2.polylines(legs, [line], isClosed=False, color=1, thickness=thickness)
    return [torso, legs]

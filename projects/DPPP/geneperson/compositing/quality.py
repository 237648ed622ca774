"""The quality filter: does a cell show exactly one whole person of a usable size?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from yacs.config import CfgNode

from ..posing.skeletons import Pose

NO_PERSON = "no person"
SEVERAL_PEOPLE = "several people"
CUT_OFF = "cut off"
TOO_SMALL = "too small"
TOO_LARGE = "too large"
WRONG_POSE = "wrong pose"

_OPAQUE = 128  # alpha from which a pixel belongs to a person
_SPECK = 0.005  # share of the cell; smaller blobs are errors of the matting
_REACH = 0.02  # a joint this close to the person, in cell heights, counts as on it
_SECOND_PERSON = 0.30  # a second blob this large, as a share of the first, is another person


@dataclass(frozen=True, kw_only=True)
class QualityLimits:
    """What a cell, and a candidate's canvas, must reach to be accepted.

    Attributes:
        min_area: smallest share of the cell that the person may cover, 0..1.
        max_area: largest such share.
        min_height: smallest height of the person's bounding box, as a share of the cell's height.
        min_joints: smallest share of the visible joints that must lie on the person, 0..1; 0 turns
            the check off.
        min_cells: smallest number of good cells; a candidate with fewer is rejected as a whole.
    """

    min_area: float
    max_area: float
    min_height: float
    min_joints: float
    min_cells: int

    @classmethod
    def from_config(cls, cfg: CfgNode) -> QualityLimits:
        """Read the limits from the settings."""
        values = cfg.QUALITY
        return cls(
            min_area=values.MIN_AREA,
            max_area=values.MAX_AREA,
            min_height=values.MIN_HEIGHT,
            min_joints=values.MIN_JOINTS,
            min_cells=values.MIN_CELLS,
        )


def person_mask(alpha: np.ndarray) -> np.ndarray:
    """Threshold an alpha map (H, W) uint8 into a mask (H, W) uint8 of 0 and 1."""
    return (alpha >= _OPAQUE).astype(np.uint8)


def mask_area(alpha: np.ndarray) -> float:
    """Return the share of a cell that the person covers, 0..1."""
    return float(person_mask(alpha).mean())


def check(alpha: np.ndarray, limits: QualityLimits) -> str | None:
    """Judge one cell by its alpha map.

    Args:
        alpha: (H, W) uint8, 0 = background, 255 = person.
        limits: the area and height to keep to.

    Returns:
        None for a good cell, else the first reason that applies.
    """
    mask = person_mask(alpha)
    _, _, blobs, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    blobs = blobs[1:]  # the first row is the background
    blobs = blobs[blobs[:, cv2.CC_STAT_AREA] >= _SPECK * mask.size]
    if not len(blobs):
        return NO_PERSON
    areas = np.sort(blobs[:, cv2.CC_STAT_AREA])[::-1]
    if len(areas) > 1 and areas[1] >= _SECOND_PERSON * areas[0]:
        return SEVERAL_PEOPLE
    left, top, width, height, _ = blobs[np.argmax(blobs[:, cv2.CC_STAT_AREA])]
    if left == 0 or top == 0 or left + width == mask.shape[1] or top + height == mask.shape[0]:
        return CUT_OFF
    if areas.sum() < limits.min_area * mask.size or height < limits.min_height * mask.shape[0]:
        return TOO_SMALL
    if areas.sum() > limits.max_area * mask.size:
        return TOO_LARGE
    return None


def check_pose(alpha: np.ndarray, pose: Pose, limits: QualityLimits) -> str | None:
    """Judge whether the person stands as the skeleton asks.

    Args:
        alpha: (H, W) uint8, 0 = background, 255 = person.
        pose: the skeleton that the cell was drawn from.
        limits: the share of joints to reach.

    Returns:
        None for a good cell, else ``WRONG_POSE``.
    """
    if not limits.min_joints:
        return None
    height, width = alpha.shape
    reach = 2 * round(_REACH * height) + 1
    near = cv2.dilate(person_mask(alpha), np.ones((reach, reach), np.uint8))
    joints = pose.joints[pose.visible, :2] * (width, height)
    x, y = np.clip(joints.T.astype(int), 0, [[width - 1], [height - 1]])
    return WRONG_POSE if near[y, x].mean() < limits.min_joints else None

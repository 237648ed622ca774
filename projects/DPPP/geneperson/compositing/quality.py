"""The quality filter: does a cell show exactly one whole person of a usable size?

It knows the person's mask and the skeleton that the cell was drawn from. ``gate`` adds the rules
that look at the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from yacs.config import CfgNode

from ..posing.canvas import LIMBS
from ..posing.skeletons import FACE, L_ANKLE, R_ANKLE, Pose

NO_PERSON = "no person"
SEVERAL_PEOPLE = "several people"
CUT_OFF = "cut off"
TOO_SMALL = "too small"
TOO_LARGE = "too large"
TOO_WIDE = "too wide"
WRONG_POSE = "wrong pose"
NO_FEET = "no feet"

_OPAQUE = 128  # alpha from which a pixel belongs to a person
_SPECK = 0.005  # share of the cell; smaller blobs are errors of the matting
_REACH = 0.02  # a joint this close to the person, in cell heights, counts as on it
_SECOND_PERSON = 0.30  # a second blob this large, as a share of the first, is another person


@dataclass(frozen=True, kw_only=True)
class QualityLimits:
    """What a cell, and a candidate's canvas, must reach to be accepted.

    Attributes:
        keep: share of the cells that are looked at; the others are left out (:meth:`choose`).
        min_area: smallest share of the cell that the person may cover, 0..1.
        max_area: largest such share.
        min_height: smallest height of the person's bounding box, as a share of the cell's height.
        max_width: how much wider than the skeleton the person may be in the median row, in cell
            heights; 0 turns the check off.
        min_joints: smallest share of the visible joints that must lie on the person, 0..1, the
            face counting as one joint; 0 turns the check, and that of the feet, off.
        min_cells: smallest number of good cells; a candidate with fewer is rejected as a whole.
    """

    keep: float
    min_area: float
    max_area: float
    min_height: float
    max_width: float
    min_joints: float
    min_cells: int

    @classmethod
    def from_config(cls, cfg: CfgNode) -> QualityLimits:
        """Read the limits from the settings."""
        values = cfg.QUALITY
        return cls(
            keep=values.KEEP,
            min_area=values.MIN_AREA,
            max_area=values.MAX_AREA,
            min_height=values.MIN_HEIGHT,
            max_width=values.MAX_WIDTH,
            min_joints=values.MIN_JOINTS,
            min_cells=values.MIN_CELLS,
        )

    def choose(self, num_cells: int, rng: np.random.Generator) -> list[int]:
        """Choose the cells that are used, before anything is known about them.

        Args:
            num_cells: of all canvases of an identity.
            rng: draws which; and, where ``keep`` asks for a fraction of a cell, whether it is one.

        Returns:
            Their numbers, in order.
        """
        number = int(self.keep * num_cells + rng.random())
        return sorted(rng.permutation(num_cells)[:number].tolist())


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
    """Judge whether the person stands as the skeleton asks, feet included.

    Args:
        alpha: (H, W) uint8, 0 = background, 255 = person.
        pose: the skeleton that the cell was drawn from.
        limits: the share of joints to reach.

    Returns:
        None for a good cell, else ``WRONG_POSE`` or ``NO_FEET``.
    """
    if not limits.min_joints:
        return None
    reach = 2 * round(_REACH * len(alpha)) + 1
    near = cv2.dilate(person_mask(alpha), np.ones((reach, reach), np.uint8))
    if _on(near, _landmarks(pose)).mean() < limits.min_joints:
        return WRONG_POSE
    # Two ankles are too few joints to matter above; the lower one carries the body.
    ankles = [pose.joints[joint, :2] for joint in (R_ANKLE, L_ANKLE) if pose.visible[joint]]
    if ankles and not _on(near, np.array([max(ankles, key=lambda ankle: ankle[1])])).all():
        return NO_FEET
    return None


def _landmarks(pose: Pose) -> np.ndarray:
    """(N, 2) visible joints, shares of the cell; the face's five, pixels apart, are one."""
    visible = pose.visible.copy()
    visible[list(FACE)] = False
    body = pose.joints[visible, :2]
    face = pose.joints[[joint for joint in FACE if pose.visible[joint]], :2]
    return np.concatenate([body, face.mean(axis=0, keepdims=True)]) if len(face) else body


def _on(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N,) bool: which points (N, 2), shares of the cell, are on a mask; outside is its edge."""
    height, width = mask.shape
    x, y = np.clip((points * (width, height)).T.astype(int), 0, [[width - 1], [height - 1]])
    return mask[y, x] > 0


def check_width(alpha: np.ndarray, pose: Pose, limits: QualityLimits) -> str | None:
    """Judge whether the outline is wider than one body: two people who touch are one blob.

    The median over the rows is not moved by a bag or an umbrella, which are wide in a few of them.

    Args:
        alpha: (H, W) uint8, 0 = background, 255 = person.
        pose: the skeleton that the cell was drawn from.
        limits: the width to keep to.

    Returns:
        None for a good cell, else ``TOO_WIDE``.
    """
    if not limits.max_width:
        return None
    outline = _row_widths(person_mask(alpha))
    wider = (outline - _row_widths(_sticks(pose, *alpha.shape)))[outline > 0]
    if wider.size and np.median(wider) > limits.max_width * len(alpha):
        return TOO_WIDE
    return None


def _sticks(pose: Pose, height: int, width: int) -> np.ndarray:
    """(height, width) uint8 of 0 and 1: the visible limbs as thin lines."""
    sticks = np.zeros((height, width), np.uint8)
    for start, end in LIMBS:
        if pose.visible[start] and pose.visible[end]:
            ends = np.round(pose.joints[[start, end], :2] * (width, height)).astype(int).tolist()
            cv2.line(sticks, ends[0], ends[1], 1)
    return sticks


def _row_widths(mask: np.ndarray) -> np.ndarray:
    """(H,) pixels from the first to the last one of a row of a mask (H, W); 0 in empty rows."""
    width = mask.shape[1]
    spans = width - np.argmax(mask[:, ::-1], axis=1) - np.argmax(mask, axis=1)
    return np.where(mask.any(axis=1), spans, 0)

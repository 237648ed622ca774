"""The pose that was asked for: does a detector see one person, with feet, from the right side?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..posing.entries import MIN_JOINTS
from ..posing.measure import guess_azimuth
from ..posing.skeletons import L_ANKLE, R_ANKLE, Pose
from .quality import NO_FEET, NO_PERSON, SEVERAL_PEOPLE

WRONG_VIEW = "wrong view"

_MAX_TURN_DEG = 60.0  # between the view asked for and the one seen; the estimate is good to 25


def check_seen(people: Sequence[np.ndarray], pose: Pose) -> str | None:
    """Judge what a detector saw in one cell.

    Args:
        people: (18, 2) joints of each person in pixels, NaN where a joint was not seen.
        pose: the skeleton that the cell was drawn from.

    Returns:
        None for a good cell, else the first reason that applies.
    """
    whole = [person for person in people if np.isfinite(person[:, 0]).sum() >= MIN_JOINTS]
    if len(whole) != 1:
        return SEVERAL_PEOPLE if whole else NO_PERSON
    ankles = [joint for joint in (R_ANKLE, L_ANKLE) if pose.visible[joint]]
    if ankles and np.isnan(whole[0][ankles]).all():
        return NO_FEET
    turn = (guess_azimuth(whole[0]) - pose.azimuth_deg + 180.0) % 360.0 - 180.0
    return WRONG_VIEW if abs(turn) > _MAX_TURN_DEG else None

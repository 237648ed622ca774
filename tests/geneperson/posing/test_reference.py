"""The skeleton map against controlnet_aux, which drew what ControlNet was trained on."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from geneperson.posing.canvas import Grid, skeleton_map
from geneperson.posing.skeletons import walking_poses

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about parts of it that are not used here
    body = pytest.importorskip("controlnet_aux.open_pose.body")
    util = pytest.importorskip("controlnet_aux.open_pose.util")


def test_skeletons_look_as_controlnet_aux_draws_them() -> None:
    for pose in walking_poses(14):
        seen = zip(pose.joints.tolist(), pose.visible, strict=True)
        keypoints = [body.Keypoint(x, y) if visible else None for (x, y, _), visible in seen]
        ours = skeleton_map(Grid(columns=1, rows=1, cell_height=256, cell_width=128), [pose])
        theirs = util.draw_bodypose(np.zeros((256, 128, 3), np.uint8), keypoints)
        shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]  # they cut off, we round
        same = [(np.roll(theirs, shift, (0, 1)) == ours).all(axis=2) for shift in shifts]
        drawn = ours.any(axis=2) | theirs.any(axis=2)
        assert np.logical_or.reduce(same)[drawn].mean() > 0.97

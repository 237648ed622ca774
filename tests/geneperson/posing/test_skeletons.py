"""Walking skeletons: all views, inside the cell, left and right on the right side."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from geneperson.posing import skeletons
from geneperson.posing.skeletons import walking_pose, walking_poses

VIEWS = {"front", "front-left", "left", "back-left", "back", "back-right", "right", "front-right"}


def test_one_pose_for_every_cell_and_every_view_is_there() -> None:
    made = walking_poses(42)
    assert len(made) == 42
    assert {pose.view for pose in made} == VIEWS
    assert {pose.view for pose in walking_poses(8)} == VIEWS
    assert len({pose.azimuth_deg for pose in made}) == 42


@pytest.mark.parametrize("pitch_deg", [0.0, 6.0, 22.0])
def test_joints_lie_inside_the_cell_with_a_margin(pitch_deg: float) -> None:
    for pose in walking_poses(42, pitch_deg):
        assert pose.joints.shape == (18, 3) and pose.joints.dtype == np.float32
        assert pose.joints[:, :2].min() > 0.04
        assert pose.joints[:, :2].max() < 0.96


def test_left_and_right_change_sides_when_seen_from_behind() -> None:
    for phase in (0.0, 0.3, 0.7):
        front, back = walking_pose(0.0, phase).joints, walking_pose(180.0, phase).joints
        assert front[skeletons.L_SHOULDER, 0] > front[skeletons.R_SHOULDER, 0]
        assert back[skeletons.L_SHOULDER, 0] < back[skeletons.R_SHOULDER, 0]


def test_azimuth_90_faces_the_right_of_the_picture() -> None:
    joints = walking_pose(90.0, 0.0).joints
    assert joints[skeletons.NOSE, 0] > joints[skeletons.NECK, 0]
    assert (
        joints[skeletons.R_SHOULDER, 2] > joints[skeletons.L_SHOULDER, 2]
    )  # the right side is nearer


def test_face_joints_turned_away_are_not_visible() -> None:
    front, back = walking_pose(0.0, 0.2).visible, walking_pose(180.0, 0.2).visible
    assert front.all()
    assert not back[[skeletons.NOSE, skeletons.R_EYE, skeletons.L_EYE]].any()
    side = walking_pose(90.0, 0.2).visible
    assert side[skeletons.R_EAR] and not side[skeletons.L_EAR]
    assert back[:14][1:].all()  # a body joint is reported even where the body hides it


def test_bones_keep_their_length_through_the_gait() -> None:
    lengths = []
    for phase in np.linspace(0.0, 1.0, 9):
        joints = skeletons.body_joints(phase)
        lengths.append(np.linalg.norm(joints[skeletons.R_KNEE] - joints[skeletons.R_HIP]))
    assert np.ptp(lengths) < 1e-9


def test_arms_swing_against_the_legs() -> None:
    joints = skeletons.body_joints(0.25)  # the left leg is in front
    assert joints[skeletons.L_ANKLE, 2] > joints[skeletons.R_ANKLE, 2]
    assert joints[skeletons.L_WRIST, 2] < joints[skeletons.R_WRIST, 2]


def test_a_camera_that_looks_down_sees_the_front_foot_lower() -> None:
    level, steep = walking_pose(0.0, 0.25, 0.0).joints, walking_pose(0.0, 0.25, 25.0).joints

    def lead(joints: np.ndarray) -> float:
        return joints[skeletons.L_ANKLE, 1] - joints[skeletons.R_ANKLE, 1]

    assert lead(steep) > lead(level) + 0.02


def test_joint_names_follow_openposes_order() -> None:
    for name, joint in vars(skeletons).items():
        if isinstance(joint, int) and name.split("_")[-1].lower() in " ".join(
            skeletons.JOINT_NAMES
        ):
            spelled = name.replace("R_", "right_").replace("L_", "left_").lower()
            assert skeletons.JOINT_NAMES[joint] == spelled
    assert len(set(skeletons.JOINT_NAMES)) == skeletons.NUM_JOINTS


def test_a_pose_with_an_unknown_joint_or_depth_has_no_depth() -> None:
    whole = walking_pose(30.0, 0.4)
    assert whole.has_depth
    for unknown in ((slice(None), 2), (skeletons.L_KNEE, 2), (skeletons.L_KNEE, slice(None))):
        joints = whole.joints.copy()
        joints[unknown] = np.nan
        assert not dataclasses.replace(whole, joints=joints).has_depth

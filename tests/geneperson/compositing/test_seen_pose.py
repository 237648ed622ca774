"""What a detector sees in a cell: one person, with feet, from the side that was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from yacs.config import CfgNode

import tiny_models as tiny
from geneperson.compositing.gate import Gate
from geneperson.compositing.quality import NO_FEET, NO_PERSON, SEVERAL_PEOPLE
from geneperson.compositing.seen_pose import WRONG_VIEW, check_seen
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.skeletons import L_ANKLE, R_ANKLE, Pose, walking_poses

WALK = walking_poses(42)


def seen(pose: Pose, noise: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    joints = pose.joints[:, :2] * (128, 256) + rng.normal(0.0, noise, (18, 2))
    return np.where(pose.visible[:, None], joints, np.nan)


def without(joints: np.ndarray, *missing: int) -> np.ndarray:
    left = joints.copy()
    left[list(missing)] = np.nan
    return left


def test_right_poses_pass() -> None:
    for pose in WALK:
        assert check_seen([seen(pose)], pose) is None
        assert check_seen([seen(pose, noise=2.0)], pose) is None
        assert check_seen([without(seen(pose), L_ANKLE)], pose) is None  # hidden by the other leg


def test_people_and_feet_are_counted() -> None:
    pose = WALK[0]
    hand = without(seen(pose), *range(5, 18))
    assert check_seen([], pose) == NO_PERSON
    assert check_seen([hand], pose) == NO_PERSON
    assert check_seen([seen(pose), hand], pose) is None
    assert check_seen([seen(pose), seen(WALK[1])], pose) == SEVERAL_PEOPLE
    no_feet = without(seen(pose), L_ANKLE, R_ANKLE)
    assert check_seen([no_feet], pose) == NO_FEET
    hidden = pose.visible.copy()
    hidden[[L_ANKLE, R_ANKLE]] = False
    assert check_seen([no_feet], replace(pose, visible=hidden)) is None  # nobody asked for feet


@pytest.mark.parametrize(("turn", "share"), [(21, 1.0), (10, 0.95), (-10, 0.95)])
def test_a_wrong_view_is_found(turn: int, share: float) -> None:
    caught = [
        check_seen([seen(WALK[(number + turn) % 42], noise=2.0)], pose) == WRONG_VIEW
        for number, pose in enumerate(WALK)
    ]
    assert np.mean(caught) >= share


def test_the_gate_asks_the_detector(cfg: CfgNode, tmp_path: Path) -> None:
    pytest.importorskip("rtmlib")
    cfg.QUALITY.POSE_DETECTOR = str(tiny.save_rtmo(tmp_path / "dots.onnx"))
    cfg.MATTING.PROVIDER = "cpu"
    spec = BuildSpec.from_config(cfg)
    height, width = 4 * spec.grid.cell_height, 4 * spec.grid.cell_width
    poses = list(spec.poses)
    joints = [np.where(p.visible[:, None], p.joints[:, :2], np.nan) for p in poses]
    joints[1] = joints[4]  # of the six views, the opposite one
    joints[2] = without(joints[2], L_ANKLE, R_ANKLE)
    people = [tiny.paint_joints(each * (width, height), (height, width)) for each in joints]
    people[3][8:16, 8:16] = tiny.MARKER
    people[5][:] = 0
    alpha = np.zeros((height, width), np.uint8)
    alpha[20:-20, 80:-80] = 255
    verdict = Gate(spec.limits, spec.picture, spec.poses).judge(people, [alpha] * 6)
    assert verdict.rejected == {1: WRONG_VIEW, 2: NO_FEET, 3: SEVERAL_PEOPLE, 5: NO_PERSON}
    assert "pose_detector_sha256" in spec.settings

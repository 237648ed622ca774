"""Each reason of rejection has a picture that shows it, and a good cell passes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from geneperson.compositing.quality import (
    CUT_OFF,
    NO_FEET,
    NO_PERSON,
    SEVERAL_PEOPLE,
    TOO_LARGE,
    TOO_SMALL,
    TOO_WIDE,
    WRONG_POSE,
    QualityLimits,
    check,
    check_pose,
    check_width,
    mask_area,
)
from geneperson.posing.skeletons import FACE, L_ANKLE, R_ANKLE, Pose, walking_poses

LIMITS = QualityLimits(
    keep=1.0,
    min_area=0.05,
    max_area=0.6,
    min_height=0.4,
    max_width=0.0,
    min_joints=0.5,
    min_cells=4,
)


def test_the_share_of_cells_that_is_kept_is_met_on_average() -> None:
    rng = np.random.default_rng(0)
    assert LIMITS.choose(42, rng) == list(range(42))
    chosen = [replace(LIMITS, keep=0.468).choose(42, rng) for _ in range(2000)]
    assert {len(cells) for cells in chosen} == {19, 20}
    assert np.mean([len(cells) for cells in chosen]) == pytest.approx(0.468 * 42, abs=0.05)
    often = np.bincount(np.concatenate(chosen), minlength=42) / len(chosen)
    assert np.abs(often - 0.468).max() < 0.06
    assert all(cells == sorted(set(cells)) for cells in chosen)


def cell(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Fill (top, left, bottom, right) boxes of a cell of 256 x 128 pixels."""
    alpha = np.zeros((256, 128), np.uint8)
    for top, left, bottom, right in boxes:
        alpha[top:bottom, left:right] = 255
    return alpha


GOOD = (20, 40, 240, 88)


@pytest.mark.parametrize(
    ("alpha", "reason"),
    [
        (cell(GOOD), None),
        (cell(), NO_PERSON),
        (cell((0, 0, 8, 8)), NO_PERSON),  # an error of the matting, also at the border
        (cell(GOOD, (1, 1, 9, 9)), None),  # an error of the matting next to a person
        (cell(GOOD, (0, 0, 8, 8)), None),
        (cell((20, 10, 240, 50), (20, 70, 240, 110)), SEVERAL_PEOPLE),
        (cell(GOOD, (100, 100, 130, 120)), None),  # a bag is not a second person
        (cell((0, 40, 220, 88)), CUT_OFF),
        (cell((20, 40, 256, 88)), CUT_OFF),
        (cell((20, 0, 240, 48)), CUT_OFF),
        (cell((20, 80, 240, 128)), CUT_OFF),
        (cell((1, 40, 255, 88)), None),  # one free pixel is enough
        (cell((100, 40, 180, 88)), TOO_SMALL),  # not high enough
        (cell((20, 60, 240, 67)), TOO_SMALL),  # high enough, but thin
        (cell((5, 5, 250, 123)), TOO_LARGE),
    ],
)
def test_reasons(alpha: np.ndarray, reason: str | None) -> None:
    assert check(alpha, LIMITS) == reason


def test_soft_edges_do_not_count() -> None:
    alpha = cell(GOOD)
    alpha[0:20, 60:64] = 100  # a faint trail up to the border
    assert check(alpha, LIMITS) is None


def test_limbs_that_touch_only_diagonally_are_one_person() -> None:
    alpha = cell((20, 40, 128, 64), (128, 64, 240, 88))
    assert check(alpha, LIMITS) is None


def test_input_is_not_changed() -> None:
    alpha = cv2.GaussianBlur(cell(GOOD), (9, 9), 3)
    before = alpha.copy()
    check(alpha, LIMITS)
    assert (alpha == before).all()


def test_mask_area_is_a_share_of_the_cell() -> None:
    assert mask_area(cell((0, 0, 128, 64))) == 0.25


def pose(*joints: tuple[float, float], visible: int = 18) -> Pose:
    """Repeat (x, y) joints, shares of the cell, up to the number that are visible."""
    places = [joints[number % len(joints)] for number in range(18)]
    return Pose(
        joints=np.array([(*place, 0.0) for place in places]),
        visible=np.arange(18) < visible,
        azimuth_deg=0.0,
        view="front",
    )


INSIDE, OUTSIDE = (0.5, 0.5), (0.9, 0.5)  # of GOOD, which covers x in 0.31..0.69


@pytest.mark.parametrize(
    ("skeleton", "min_joints", "reason"),
    [
        (pose(INSIDE), 1.0, None),
        (pose(OUTSIDE), 0.1, WRONG_POSE),
        (pose(OUTSIDE), 0.0, None),  # switched off
        (pose(INSIDE, OUTSIDE, visible=10), 5 / 10, None),  # the face, and 4 of 9, as asked
        (pose(INSIDE, OUTSIDE, visible=10), 0.51, WRONG_POSE),
        (pose(INSIDE, INSIDE, OUTSIDE, visible=2), 1.0, None),  # only what is seen counts
        (pose((0.72, 0.5)), 1.0, None),  # near enough: 4 pixels from the person
        (pose((0.77, 0.5)), 1.0, WRONG_POSE),  # 10 pixels
        (pose((-0.2, 0.5)), 1.0, WRONG_POSE),  # outside of the cell
        (pose((0.5, 1.4)), 1.0, WRONG_POSE),
    ],
)
def test_the_person_stands_as_the_skeleton_asks(
    skeleton: Pose, min_joints: float, reason: str | None
) -> None:
    limits = replace(LIMITS, min_joints=min_joints)
    assert check_pose(cell(GOOD), skeleton, limits) == reason


def moved(skeleton: Pose, joints: tuple[int, ...], place: tuple[float, float]) -> Pose:
    """Return a pose with some joints elsewhere."""
    changed = skeleton.joints.copy()
    changed[list(joints), :2] = place
    return replace(skeleton, joints=changed)


def test_the_face_counts_as_one_joint() -> None:
    turned_away = moved(pose(INSIDE), FACE, OUTSIDE)
    assert check_pose(cell(GOOD), turned_away, replace(LIMITS, min_joints=0.92)) is None
    assert check_pose(cell(GOOD), turned_away, replace(LIMITS, min_joints=0.94)) == WRONG_POSE


def test_the_lower_foot_must_be_there() -> None:
    limits, standing = replace(LIMITS, min_joints=0.85), pose(INSIDE)
    below, higher = (0.5, 0.99), (0.9, 0.7)  # of GOOD, which ends at 0.94
    assert check_pose(cell(GOOD), moved(standing, (R_ANKLE,), below), limits) == NO_FEET
    assert check_pose(cell(GOOD), moved(standing, (L_ANKLE,), below), limits) == NO_FEET
    assert check_pose(cell((20, 40, 256, 88)), moved(standing, (L_ANKLE,), below), limits) is None
    lifted = moved(moved(standing, (R_ANKLE,), (0.5, 0.9)), (L_ANKLE,), higher)
    assert check_pose(cell(GOOD), lifted, limits) is None
    unseen = replace(standing, visible=np.arange(18) < 8)
    assert check_pose(cell(GOOD), moved(unseen, (L_ANKLE,), below), limits) is None


@pytest.mark.parametrize(
    ("alpha", "max_width", "reason"),
    [
        (cell((20, 30, 240, 98)), 0.0, None),  # switched off
        (cell((20, 44, 240, 84)), 0.13, None),
        (cell((20, 10, 240, 118)), 0.13, TOO_WIDE),
        (cell((20, 10, 240, 45), (20, 80, 240, 118)), 0.13, TOO_WIDE),  # two who touch nowhere
        (cell((20, 44, 240, 84), (100, 84, 150, 118)), 0.13, None),  # a bag: in a few rows
        (cell((20, 44, 240, 84), (0, 5, 20, 123)), 0.13, None),  # an umbrella
        (cell(), 0.13, None),  # nobody, which is another reason
    ],
)
def test_a_person_is_as_wide_as_the_skeleton_allows(
    alpha: np.ndarray, max_width: float, reason: str | None
) -> None:
    limits = replace(LIMITS, max_width=max_width)
    assert check_width(alpha, walking_poses(42)[0], limits) == reason


def test_a_wide_step_is_not_a_second_person() -> None:
    limits = replace(LIMITS, max_width=0.13)
    wide = max(walking_poses(42), key=lambda one: np.ptp(one.joints[[R_ANKLE, L_ANKLE], 0]))
    left, right = sorted(wide.joints[[R_ANKLE, L_ANKLE], 0] * 128)
    step = cell((20, 50, 140, 78))
    apart = np.linspace(0, 1, 100)
    for row, share in zip(range(140, 240), apart, strict=True):
        first, last = 64 + share * (left - 64), 64 + share * (right - 64)
        step[row, int(first) - 8 : int(last) + 8] = 255
    assert check_width(step, wide, limits) is None
    assert check_width(step, pose(INSIDE), limits) is None  # the median row is that of the trunk

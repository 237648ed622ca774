"""Signatures: parts under the skeleton, similarity of colors, medians, and the form of a record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geneperson.compositing.regions import NUM_CLOTHES, body_parts
from geneperson.compositing.signatures import (
    Appearance,
    color_signature,
    median_signature,
    same_clothes,
    similarities,
)
from geneperson.posing.skeletons import L_ANKLE, L_HIP, L_KNEE, NECK, Pose, walking_poses

HEIGHT, WIDTH = 256, 128
FRONT = walking_poses(42)[0]
WHOLE = np.full((HEIGHT, WIDTH), 255, np.uint8)


def dressed(upper: tuple[int, int, int], lower: tuple[int, int, int]) -> np.ndarray:
    """A cell in two colors, above and below the hips."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    hips = int(FRONT.joints[L_HIP, 1] * HEIGHT)
    picture[:hips], picture[hips:] = upper, lower
    return picture


RED, BLUE, GREEN = (200, 30, 30), (30, 40, 160), (30, 140, 60)


def at(pose: Pose, joint: int) -> tuple[int, int]:
    x, y = (pose.joints[joint, :2] * (WIDTH, HEIGHT)).astype(int)
    return int(y), int(x)


@pytest.mark.parametrize("pose", walking_poses(8))
def test_parts_are_where_the_skeleton_has_them(pose: Pose) -> None:
    torso, legs, head, feet = body_parts(pose, HEIGHT, WIDTH)
    middle = np.mean([at(pose, NECK), at(pose, L_HIP)], axis=0).astype(int)
    assert torso[tuple(middle)] and legs[at(pose, L_KNEE)] and feet[at(pose, L_ANKLE)]
    assert head[: at(pose, NECK)[0] - 8].any() and not head[at(pose, NECK)[0] :].any()
    assert not torso[at(pose, L_KNEE)] and not legs[tuple(middle)]


def test_unknown_joints_give_empty_parts() -> None:
    visible = FRONT.visible.copy()
    visible[8:] = False  # hips, legs and face but for the nose
    torso, legs, head, feet = body_parts(replace(FRONT, visible=visible), HEIGHT, WIDTH)
    assert torso.any() and head.any() and not legs.any() and not feet.any()
    signature = color_signature(dressed(RED, BLUE), WHOLE, replace(FRONT, visible=visible))
    assert (np.linalg.norm(signature, axis=1) > 0).tolist() == [True, False, True, False]


def test_a_joint_that_is_not_a_number_is_unknown() -> None:
    joints = FRONT.joints.copy()
    joints[L_ANKLE] = np.nan
    parts = body_parts(replace(FRONT, joints=joints), HEIGHT, WIDTH)
    assert all(part.any() for part in parts)


def test_clothes_are_compared_by_the_part_that_differs() -> None:
    one = color_signature(dressed(RED, BLUE), WHOLE, FRONT)
    assert np.linalg.norm(one, axis=1) == pytest.approx(1.0, abs=1e-5)
    for upper, lower in ((RED, GREEN), (GREEN, BLUE)):
        other = color_signature(dressed(upper, lower), WHOLE, FRONT)
        assert similarities(one[None], other[None])[0, 0] < 0.1
    darker = color_signature((dressed(RED, BLUE) * 0.95).astype(np.uint8), WHOLE, FRONT)
    assert similarities(one[None], darker[None])[0, 0] > 0.8


def test_only_the_person_counts() -> None:
    alpha = WHOLE.copy()
    alpha[:, : WIDTH // 2] = 0
    picture = dressed(RED, BLUE)
    picture[:, : WIDTH // 2] = GREEN
    one = color_signature(dressed(RED, BLUE), WHOLE, FRONT)
    half = color_signature(picture, alpha, FRONT)
    assert same_clothes(half[None], one)[0] > 0.95


def test_the_median_is_not_moved_by_a_stranger() -> None:
    ours = color_signature(dressed(RED, BLUE), WHOLE, FRONT)
    theirs = color_signature(dressed(GREEN, RED), WHOLE, FRONT)
    median = median_signature(np.stack([ours, ours, theirs]))
    np.testing.assert_allclose(median, ours, atol=1e-6)
    close = same_clothes(np.stack([ours, theirs]), median)
    assert close[0] > 0.99 and close[1] < 0.3


def test_parts_that_are_not_seen_do_not_count() -> None:
    ours = color_signature(dressed(RED, BLUE), WHOLE, FRONT)
    upper_half = ours.copy()
    upper_half[1:] = 0
    assert similarities(upper_half[None], ours[None])[0, 0] == pytest.approx(1.0, abs=1e-5)
    assert similarities(np.zeros_like(ours)[None], ours[None])[0, 0] == 1.0
    np.testing.assert_allclose(median_signature(np.stack([upper_half, ours])), ours, atol=1e-6)


def test_a_head_is_not_clothing() -> None:
    ours = color_signature(dressed(RED, BLUE), WHOLE, FRONT)
    turned = ours.copy()
    turned[NUM_CLOTHES:] = np.roll(ours[NUM_CLOTHES:], 300, axis=1)
    assert same_clothes(turned[None], ours)[0] > 0.99
    assert similarities(turned[None], ours[None])[0, 0] < 0.1


def test_similarities_are_those_of_a_slow_loop() -> None:
    rng = np.random.default_rng(0)
    some, others = rng.random((3, 4, 5)), rng.random((6, 4, 5))
    some[1, 2] = 0
    for i, one in enumerate(some):
        for j, other in enumerate(others):
            products = [float(a @ b) for a, b in zip(one, other, strict=True) if a.any()]
            assert similarities(some, others)[i, j] == pytest.approx(min(*products, 1.0))


def test_a_record_gives_back_what_is_compared() -> None:
    cells = np.stack([color_signature(dressed(RED, BLUE), WHOLE, FRONT)] * 3)
    appearance = Appearance.of(cells)
    assert appearance.within == pytest.approx(1.0, abs=1e-3)
    assert Appearance(**vars(appearance)) == appearance
    assert appearance.signature().shape == cells[0].shape
    np.testing.assert_allclose(appearance.signature(), cells[0], atol=1e-3)
    with pytest.raises(ValueError):
        replace(appearance, data="no base64").signature()

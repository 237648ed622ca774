"""Skeletons from images: fitting, a real detector of painted joints, and unusable images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tiny_models as tiny
from geneperson import UserError
from geneperson.posing import extraction
from geneperson.posing.extraction import extract_poses, fit_person
from geneperson.posing.files import load_poses, save_poses
from geneperson.posing.skeletons import (
    GROUND,
    L_ANKLE,
    L_WRIST,
    NECK,
    R_WRIST,
    Pose,
    walking_poses,
)


def joints_of(pose: Pose) -> np.ndarray:
    """(18, 2) shares of the cell, NaN where not seen."""
    return np.where(pose.visible[:, None], pose.joints[:, :2], np.nan)


def placed(pose: Pose, left: float, top: float, scale: float) -> np.ndarray:
    """A walking pose in an image of 400 x 600 pixels, in a cell `scale` times as high."""
    wide = scale * 600 * pose.aspect
    return joints_of(pose) * (wide, scale * 600) + (left * 400, top * 600)


@pytest.mark.parametrize(("left", "top", "scale"), [(0.0, 0.0, 1.0), (0.4, 0.3, 0.5)])
def test_a_walking_person_is_fitted_where_the_walk_has_them(
    left: float, top: float, scale: float
) -> None:
    num_right = 0
    for pose in walking_poses(42):
        fitted = fit_person([placed(pose, left, top, scale)])
        assert (fitted.visible == pose.visible).all() and fitted.aspect == 0.5
        assert np.isnan(fitted.joints[:, 2]).all() and not fitted.has_depth
        apart = np.abs(fitted.joints - pose.joints)[pose.visible]
        assert apart[:, 1].max() < 0.035  # of the cell's height: heads bob, and ears may be all
        assert apart[:, 0].max() < 0.05
        assert np.isnan(fitted.joints[~pose.visible]).all()
        num_right += fitted.view == pose.view
    assert num_right > 36


def test_a_person_without_legs_stands_where_their_legs_would_be() -> None:
    pose = walking_poses(42)[0]
    points = joints_of(pose) * (128, 256)
    points[[9, 10, 12, 13]] = np.nan
    fitted = fit_person([points])
    assert np.abs(fitted.joints[NECK, :2] - pose.joints[NECK, :2]).max() < 0.03


@pytest.mark.parametrize("wrists", [((1.6, 0.25), (-0.6, 0.25)), ((0.6, -0.35), (0.4, -0.3))])
def test_spread_and_raised_arms_stay_inside_the_cell(
    wrists: tuple[tuple[float, float], ...],
) -> None:
    points = joints_of(walking_poses(42)[0])
    points[[L_WRIST, R_WRIST]] = wrists
    fitted = fit_person([points * (128, 256)])
    places = fitted.joints[fitted.visible, :2]
    assert places.min() > 0.02 and places.max() < 0.98
    assert fitted.joints[L_ANKLE, 1] == pytest.approx(GROUND, abs=0.05)


def test_what_was_extracted_can_be_written_and_read(tmp_path: Path) -> None:
    fitted = [fit_person([placed(pose, 0.1, 0.1, 0.7)]) for pose in walking_poses(42)]
    save_poses(tmp_path / "poses.json", fitted)
    for before, after in zip(fitted, load_poses(tmp_path / "poses.json"), strict=True):
        np.testing.assert_allclose(before.joints, after.joints, atol=1e-4)
        assert before.view == after.view


def test_who_cannot_be_used_is_named() -> None:
    unit = joints_of(walking_poses(1)[0])
    upright, size = unit * (300, 600), (400, 600)
    few = np.where(np.arange(18)[:, None] < 7, upright, np.nan)
    turned = unit[:, ::-1] * size
    lying = np.stack([unit[:, 1], 0.1 * unit[:, 0] + 0.05 * unit[:, 1]], axis=1) * size
    upside_down = np.stack([unit[:, 0], 1 - unit[:, 1]], axis=1) * size
    for people, reason in (
        ([], "no person found"),
        ([few], "no person found"),
        ([upright, upright], "2 people found"),
        ([turned], "no upright person"),
        ([lying], "no upright person"),
        ([upside_down], "no upright person"),
    ):
        with pytest.raises(extraction._UnusableError, match=reason):
            fit_person(people)
    assert fit_person([few, upright]).view == "front"  # a stray hand is not a person


@pytest.fixture(scope="module")
def rtmo(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("rtmlib")
    return str(tiny.save_rtmo(tmp_path_factory.mktemp("rtmo") / "dots.onnx"))


def test_a_detector_that_finds_nobody_is_answered_in_one_line(rtmo: str, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name, size in (("b.png", (200, 63)), ("a.jpg", (64, 64)), ("d.png", (63, 200))):
        Image.new("RGB", size, "gray").save(images / name)
    (images / "c.jpeg").write_bytes(b"no image")
    (images / "notes.txt").write_text("not looked at")
    with pytest.raises(UserError) as caught:
        extract_poses(images, rtmo)
    assert str(caught.value) == (
        f"no pose found in {images} (a.jpg: no person found, skipped; b.png: smaller than 64 "
        "pixels, skipped; c.jpeg: cannot be read as an image, skipped; 1 more)"
    )


def test_images_become_poses_in_the_order_of_their_names(rtmo: str, tmp_path: Path) -> None:
    walk = walking_poses(4)  # front, right, back, left
    for name, pose in zip("badc", walk, strict=True):
        picture = tiny.paint_joints(joints_of(pose) * (300, 600), (600, 300))
        turned = Image.fromarray(np.pad(picture, ((0, 0), (40, 90), (0, 0)))).rotate(
            90, expand=True
        )
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was held upright: turn clockwise to look at it
        turned.save(tmp_path / f"{name}.png", exif=exif)
    Image.new("RGB", (100, 200)).save(tmp_path / "e.png")
    found, skipped = extract_poses(tmp_path, rtmo)
    assert [pose.view for pose in found] == ["right", "front", "left", "back"]
    assert skipped == ["e.png: no person found, skipped"]
    apart = np.abs(found[1].joints - walk[0].joints)[:, :2]  # the front view, all joints seen
    assert apart.max() < 0.03
    (single,), none = extract_poses(tmp_path / "d.png", rtmo)
    assert single.view == "back" and none == []


def test_a_place_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        extract_poses(tmp_path / "missing")
    with pytest.raises(UserError, match=r"no image in this folder \(.jpg"):
        extract_poses(tmp_path)

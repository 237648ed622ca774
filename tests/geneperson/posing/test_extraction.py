"""Skeletons from images: controlnet_aux's objects, its detector, and unusable images."""

from __future__ import annotations

import os
import pickle
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from geneperson import UserError
from geneperson.posing import extraction
from geneperson.posing.canvas import COLORS, Grid, skeleton_map
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

if find_spec("controlnet_aux") is None:
    pytest.skip("controlnet_aux is not installed", allow_module_level=True)
with warnings.catch_warnings(record=True) as HEARD:
    warnings.simplefilter("always")
    open_pose = extraction._open_pose()
from controlnet_aux.open_pose.body import Body, BodyResult, Keypoint
from controlnet_aux.open_pose.model import bodypose_model
from controlnet_aux.open_pose.util import draw_bodypose

if TYPE_CHECKING:
    from controlnet_aux.open_pose import PoseResult


def keypoints(pose: Pose) -> list[Keypoint | None]:
    seen = zip(pose.joints.tolist(), pose.visible, strict=True)
    return [Keypoint(x, y) if visible else None for (x, y, _), visible in seen]


def person(points: list[Keypoint | None]) -> PoseResult:
    found = sum(point is not None for point in points)
    return open_pose.PoseResult(BodyResult(points, float(found), found), None, None, None)


def placed(pose: Pose, left: float, top: float, scale: float) -> PoseResult:
    """A walking pose in an image of 400 x 600 pixels, in a cell `scale` times as high."""
    wide = scale * 600 * pose.aspect / 400
    return person(
        [p and Keypoint(left + p.x * wide, top + p.y * scale) for p in keypoints(pose)],
    )


def test_skeletons_look_as_controlnet_aux_draws_them() -> None:
    for pose in walking_poses(14):
        ours = skeleton_map(Grid(columns=1, rows=1, cell_height=256, cell_width=128), [pose])
        theirs = draw_bodypose(np.zeros((256, 128, 3), np.uint8), keypoints(pose))
        shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]  # they cut off, we round
        same = [(np.roll(theirs, shift, (0, 1)) == ours).all(axis=2) for shift in shifts]
        drawn = ours.any(axis=2) | theirs.any(axis=2)
        assert np.logical_or.reduce(same)[drawn].mean() > 0.97


@pytest.mark.parametrize(("left", "top", "scale"), [(0.0, 0.0, 1.0), (0.4, 0.3, 0.5)])
def test_a_walking_person_is_fitted_where_the_walk_has_them(
    left: float, top: float, scale: float
) -> None:
    num_right = 0
    for pose in walking_poses(42):
        fitted = fit_person([placed(pose, left, top, scale)], 600, 400)
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
    points = keypoints(pose)
    for joint in (9, 10, 12, 13):
        points[joint] = None
    fitted = fit_person([person(points)], 256, 128)
    assert np.abs(fitted.joints[NECK, :2] - pose.joints[NECK, :2]).max() < 0.03


@pytest.mark.parametrize("wrists", [((1.6, 0.25), (-0.6, 0.25)), ((0.6, -0.35), (0.4, -0.3))])
def test_spread_and_raised_arms_stay_inside_the_cell(
    wrists: tuple[tuple[float, float], ...],
) -> None:
    points = keypoints(walking_poses(42)[0])
    points[L_WRIST], points[R_WRIST] = (Keypoint(*wrist) for wrist in wrists)
    fitted = fit_person([person(points)], 256, 128)
    places = fitted.joints[fitted.visible, :2]
    assert places.min() > 0.02 and places.max() < 0.98
    assert fitted.joints[L_ANKLE, 1] == pytest.approx(GROUND, abs=0.05)


def test_what_was_extracted_can_be_written_and_read(tmp_path: Path) -> None:
    fitted = [fit_person([placed(pose, 0.1, 0.1, 0.7)], 600, 400) for pose in walking_poses(42)]
    save_poses(tmp_path / "poses.json", fitted)
    for before, after in zip(fitted, load_poses(tmp_path / "poses.json"), strict=True):
        np.testing.assert_allclose(before.joints, after.joints, atol=1e-4)
        assert before.view == after.view


def test_who_cannot_be_used_is_named() -> None:
    upright = placed(walking_poses(1)[0], 0.0, 0.0, 1.0)
    few = person([point if joint < 7 else None for joint, point in enumerate(upright.body[0])])
    turned = person([Keypoint(point.y, point.x) for point in upright.body.keypoints])
    lying = person([Keypoint(point.y, 0.1 * point.x + 0.05 * point.y) for point in upright.body[0]])
    upside_down = person([Keypoint(point.x, 1 - point.y) for point in upright.body.keypoints])
    for people, reason in (
        ([], "no person found"),
        ([few], "no person found"),
        ([upright, upright], "2 people found"),
        ([turned], "no upright person"),
        ([lying], "no upright person"),
        ([upside_down], "no upright person"),
    ):
        with pytest.raises(extraction._UnusableError, match=reason):
            fit_person(people, 600, 400)
    assert fit_person([few, upright], 600, 400).view == "front"  # a stray hand is not a person


@pytest.fixture
def blind(tmp_path: Path) -> Path:
    """A folder with weights of the right names and shapes that see nothing: all are one zero."""
    folder = tmp_path / "model"
    folder.mkdir()
    weights = {
        name.partition(".")[2]: torch.zeros(1).expand(value.shape)
        for name, value in bodypose_model().state_dict().items()
    }
    torch.save(weights, folder / "body_pose_model.pth")
    return folder


def test_a_detector_that_finds_nobody_is_answered_in_one_line(blind: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name, size in (("b.png", (200, 63)), ("a.jpg", (64, 64)), ("d.png", (63, 200))):
        Image.new("RGB", size, "gray").save(images / name)
    (images / "c.jpeg").write_bytes(b"no image")
    (images / "notes.txt").write_text("not looked at")
    with pytest.raises(UserError) as caught:
        extract_poses(images, str(blind))
    assert str(caught.value) == (
        f"no pose found in {images} (a.jpg: no person found, skipped; b.png: smaller than 64 "
        "pixels, skipped; c.jpeg: cannot be read as an image, skipped; 1 more)"
    )


class Dots:
    """Replaces the body network: sees joints that were painted as dots of their colors."""

    def __call__(self, bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rgb = bgr[:, :, ::-1].astype(int)
        candidate, subset = np.zeros((0, 4)), np.full((1, 20), -1.0)
        for joint, color in enumerate(COLORS):
            rows, columns = np.nonzero((np.abs(rgb - color) < 30).all(axis=2))
            if len(rows):
                subset[0, joint] = len(candidate)
                found = (columns.mean(), rows.mean(), 1.0, len(candidate))
                candidate = np.vstack([candidate, found])
        subset[0, 18:] = len(candidate)
        return candidate, subset

    format_body_result = staticmethod(Body.format_body_result)


def test_images_become_poses_in_the_order_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = open_pose.OpenposeDetector(Dots())
    monkeypatch.setattr(extraction, "_load_detector", lambda model: detector)
    walk = walking_poses(4)  # front, right, back, left
    for name, pose in zip("badc", walk, strict=True):
        picture = np.zeros((600, 300, 3), np.uint8)
        for joint in np.flatnonzero(pose.visible):
            x, y = (pose.joints[joint, :2] * (300, 600)).round().astype(int).tolist()
            cv2.circle(picture, (x, y), 3, COLORS[joint], thickness=-1)
        turned = Image.fromarray(np.pad(picture, ((0, 0), (40, 90), (0, 0)))).rotate(
            90, expand=True
        )
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was held upright: turn clockwise to look at it
        turned.save(tmp_path / f"{name}.png", exif=exif)
    Image.new("RGB", (100, 200)).save(tmp_path / "e.png")
    found, skipped = extract_poses(tmp_path)
    assert [pose.view for pose in found] == ["right", "front", "left", "back"]
    assert skipped == ["e.png: no person found, skipped"]
    apart = np.abs(found[1].joints - walk[0].joints)[:, :2]  # the front view, all joints seen
    assert apart.max() < 0.03
    (single,), none = extract_poses(tmp_path / "d.png")
    assert single.view == "back" and none == []


def test_weights_that_are_none_are_refused_and_never_run(blind: Path, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", (64, 64)).save(image)
    weights = blind / "body_pose_model.pth"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "code ran"),)

    torch.save({"conv1_1.weight": Trap()}, weights)
    contents = [weights.read_bytes(), pickle.dumps(Trap(), protocol=2), b"", b"no weights"]
    torch.save({"conv1_1.weight": torch.zeros(1)}, weights)
    for content in (*contents, weights.read_bytes()):
        weights.write_bytes(content)
        with pytest.raises(UserError, match=r"is not OpenPose's body network") as caught:
            extract_poses(image, str(blind))
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "code ran").exists()
    weights.unlink()
    with pytest.raises(UserError, match=r"this folder has no body_pose_model.pth"):
        extract_poses(image, str(blind))


def test_a_model_that_cannot_be_fetched_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    image = tmp_path / "a.png"
    Image.new("RGB", (64, 64)).save(image)
    for model in ("nobody/has-this@v1", "not a name", str(tmp_path / "missing")):
        with pytest.raises(UserError, match=r"--model .*cannot be fetched from the hub") as caught:
            extract_poses(image, model)
        assert "\n" not in str(caught.value) and model in str(caught.value)


def test_a_place_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        extract_poses(tmp_path / "missing")
    with pytest.raises(UserError, match=r"no image in this folder \(.jpg"):
        extract_poses(tmp_path)


def test_importing_the_detector_is_quiet() -> None:
    assert [str(warning.message) for warning in HEARD] == []

"""Pose files: written, read, extended by hand, and refused when they are not valid."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geneperson import UserError
from geneperson.posing.canvas import COLORS
from geneperson.posing.files import load_poses, poses_for, refit, require_depth, save_poses
from geneperson.posing.measure import guess_azimuth
from geneperson.posing.picture import draw_poses
from geneperson.posing.skeletons import (
    JOINT_NAMES,
    L_WRIST,
    R_EAR,
    R_WRIST,
    view_name,
    walking_pose,
    walking_poses,
)
from geneperson.prompting.prompts import identities
from geneperson.prompting.vocabulary import load as load_vocabulary
from geneperson.synthesis.procedural.figure import Figure
from geneperson.worlds.catalogue import get_world

Writer = Callable[..., Path]

# A person seen from the front, as a user would write one down from a photograph.
JOINTS = {
    "nose": [0.50, 0.16], "neck": [0.50, 0.24],
    "right_shoulder": [0.32, 0.25], "right_elbow": [0.28, 0.39], "right_wrist": [0.28, 0.50],
    "left_shoulder": [0.68, 0.25], "left_elbow": [0.72, 0.39], "left_wrist": [0.72, 0.51],
    "right_hip": [0.41, 0.51], "right_knee": [0.41, 0.71], "right_ankle": [0.41, 0.91],
    "left_hip": [0.59, 0.51], "left_knee": [0.59, 0.71], "left_ankle": [0.59, 0.91],
}  # fmt: skip


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Write a file of poses, with some keys of the file changed."""

    def writer(*entries: object, **keys: object) -> Path:
        path = tmp_path / "poses.json"
        path.write_text(json.dumps({"format": 1, "aspect": 0.5, "poses": entries, **keys}))
        return path

    return writer


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    for pitch_deg, aspect in ((0.0, 0.5), (22.0, 0.4)):
        written = walking_poses(42, pitch_deg, aspect)
        save_poses(path, written)
        read = load_poses(path)
        assert len(read) == 42 and all(pose.has_depth for pose in read)
        for before, after in zip(written, read, strict=True):
            assert after.joints.dtype == np.float32
            assert np.abs(before.joints - after.joints).max() < 1e-4
            assert (before.visible == after.visible).all()
            assert (before.azimuth_deg, before.view) == (after.azimuth_deg, after.view)
            assert (before.pitch_deg, before.aspect) == (after.pitch_deg, after.aspect)
        save_poses(tmp_path / "again.json", read)
        assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    text = path.read_text()
    assert '"nose": [0.5, 0.' in text and max(map(len, text.splitlines())) < 120


def test_people_are_drawn_from_a_file_as_from_the_built_in_walk(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    save_poses(path, walking_poses(8))
    read = poses_for(path, 8, 0.0, 0.5)
    require_depth(read, path, route="procedural")
    figure = Figure(next(iter(identities(load_vocabulary(), 0))), get_world("source"))
    for built_in, pose in zip(walking_poses(8), read, strict=True):
        expected, drawn = np.zeros((2, 128, 64), np.uint8)
        for one, alpha in ((built_in, expected), (pose, drawn)):
            cell = np.full((128, 64, 3), 200, np.uint8)
            figure.draw(one, cell, alpha, np.random.default_rng(0))
        assert expected.any()
        assert np.abs(expected / 255.0 - drawn / 255.0).mean() < 0.003


def test_a_file_written_by_hand(write: Writer) -> None:
    (pose,) = load_poses(write({"joints": JOINTS}))
    assert (pose.view, pose.aspect, pose.pitch_deg) == ("front", 0.5, 0.0)
    assert pose.joints[L_WRIST, :2] == pytest.approx([0.72, 0.51])
    assert pose.visible.sum() == 14 and not pose.visible[R_EAR]
    assert np.isnan(pose.joints[R_EAR]).all() and np.isnan(pose.joints[:, 2]).all()
    assert not pose.has_depth
    with pytest.raises(UserError, match=r"procedural needs x, y and z of all 18.* 1 of 1 poses"):
        require_depth([pose], "poses.json", route="procedural")


def test_azimuth_view_or_joints_say_where_a_person_faces(write: Writer) -> None:
    turned, named, guessed, both = load_poses(
        write(
            {"azimuth_deg": -90, "joints": JOINTS},
            {"view": "back-right", "joints": JOINTS},
            {"joints": {name: [1 - x, y] for name, (x, y) in JOINTS.items() if name != "nose"}},
            {"view": "left", "azimuth_deg": 280.0, "joints": JOINTS},
        )
    )
    assert (turned.view, turned.azimuth_deg) == ("left", -90.0)
    assert (named.view, named.azimuth_deg) == ("back-right", 135.0)
    assert guessed.view == "back"
    assert (both.view, both.azimuth_deg) == ("left", 280.0)


@pytest.mark.parametrize("pitch_deg", [0.0, 6.0, 22.0])
def test_the_guess_agrees_with_the_walk(pitch_deg: float) -> None:
    made = walking_poses(97, pitch_deg)
    num_right = 0
    for pose in made:
        seen = np.where(pose.visible[:, None], pose.joints[:, :2], np.nan)
        guess = guess_azimuth(seen * (pose.aspect, 1.0))
        assert abs((guess - pose.azimuth_deg + 180.0) % 360.0 - 180.0) < 20.0
        num_right += view_name(guess) == pose.view
    assert num_right > 0.9 * len(made)


def test_a_file_without_views_is_guessed_from_the_drawn_joints(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    made = walking_poses(8, aspect=0.8)
    save_poses(path, made)
    content = json.loads(path.read_text())
    for entry in content["poses"]:
        del entry["view"], entry["azimuth_deg"]
    path.write_text(json.dumps(content))
    assert [pose.view for pose in load_poses(path)] == [pose.view for pose in made]


def test_hidden_joints_have_a_place_but_are_not_drawn(write: Writer) -> None:
    (pose,) = load_poses(write({"joints": JOINTS, "hidden": ["left_wrist"]}))
    assert not pose.visible[L_WRIST] and pose.visible.sum() == 13
    assert pose.joints[L_WRIST, 1] == pytest.approx(0.51)


def test_a_body_keeps_its_proportions_in_a_cell_of_another_shape(write: Writer) -> None:
    path = write({"joints": JOINTS})
    (pose,) = poses_for(path, 1, 0.0, aspect=1.0)
    assert pose.aspect == 1.0
    assert pose.joints[L_WRIST, :2] == pytest.approx([0.5 + 0.22 * 0.5, 0.51])
    assert refit(pose, 0.5).joints[L_WRIST, :2] == pytest.approx([0.72, 0.51])


def test_no_file_means_the_built_in_walk() -> None:
    made = poses_for("", 6, 12.0, 0.4)
    for pose, expected in zip(made, walking_poses(6, 12.0, 0.4), strict=True):
        assert (pose.joints == expected.joints).all()


def test_of_too_many_poses_evenly_spread_ones_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    save_poses(path, walking_poses(42))
    every = load_poses(path)
    assert [pose.azimuth_deg for pose in poses_for(path, 42, 0.0, 0.5)] == [
        pose.azimuth_deg for pose in every
    ]
    some = poses_for(path, 6, 0.0, 0.5)
    assert [pose.azimuth_deg for pose in some] == pytest.approx([0, 60, 120, 180, 240, 300])


def test_too_few_poses_are_refused(write: Writer) -> None:
    with pytest.raises(UserError, match=r"1 poses for 42 cells; add 41, or set CANVAS.COLUMNS"):
        poses_for(write({"joints": JOINTS}), 42, 0.0, 0.5)


def changed(**joints: object) -> dict[str, object]:
    """The joints above with some replaced, or left out where the value is None."""
    merged = {**copy.deepcopy(JOINTS), **joints}
    return {"joints": {name: point for name, point in merged.items() if point is not None}}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (changed(left_foot=[0.5, 0.9]), "unknown joint 'left_foot', use nose, neck"),
        (changed(nose=[0.5]), "nose must be"),
        (changed(nose=[0.5, 0.1, 0.0, 1.0]), "nose must be"),
        (changed(nose="high"), "nose must be"),
        (changed(nose=[0.5, "0.1"]), "nose must hold numbers in -0.5..1.5"),
        (changed(nose=[0.5, True]), "nose must hold numbers"),
        (changed(nose=[0.5, 1.51]), "nose must hold numbers"),
        (changed(nose=[-0.51, 0.1]), "nose must hold numbers"),
        (changed(nose=[0.5, float("nan")]), "nose must hold numbers"),
        (changed(nose=[0.5, float("inf")]), "nose must hold numbers"),
        (changed(nose=[10**400, 0.1]), "nose must hold numbers"),
        (changed(nose=[64, 40]), "nose must hold numbers"),  # pixels
        (changed(nose=[0.5, 0.1, 0.0]), "z must be given for all joints or for none"),
        (changed(**dict.fromkeys(JOINT_NAMES[:7])), "7 visible joints, at least 8 are needed"),
        ({**changed(), "hidden": list(JOINTS)[:7]}, "7 visible joints"),
        ({**changed(), "hidden": ["left_ear"]}, "'hidden' must be a list of names"),
        ({**changed(), "hidden": "nose"}, "'hidden' must be a list of names"),
        ({**changed(), "hidden": [["nose"]]}, "'hidden' must be a list of names"),
        ({**changed(), "view": "sideways"}, "view 'sideways' is not one of front, front-right"),
        ({**changed(), "view": ["front"]}, "is not one of"),
        ({**changed(), "azimuth_deg": "90"}, "azimuth_deg '90' is not in -360..360"),
        ({**changed(), "azimuth_deg": 361}, "azimuth_deg 361"),
        ({**changed(), "azimuth_deg": 90, "view": "left"}, "the view 'right', not 'left'"),
        ({**changed(), "pitch_deg": 46}, "pitch_deg 46 is not in 0..45"),
        ({**changed(), "pitch_deg": None}, "pitch_deg None"),
        ({**changed(), "angle": 3}, "unknown key 'angle'"),
        ({"view": "front"}, "must be an object with 'joints'"),
        ({"joints": [[0.5, 0.1]] * 18}, "must be an object with 'joints'"),
        ([[0.5, 0.1]] * 18, "must be an object with 'joints'"),
    ],
)
def test_a_wrong_pose_is_refused_with_its_number(
    write: Writer, entry: object, problem: str
) -> None:
    with pytest.raises(UserError) as caught:
        load_poses(write({"joints": JOINTS}, entry))
    message = str(caught.value)
    assert "pose 2: " in message and problem in message and "pose 1" not in message
    assert "\n" not in message and "poses.json" in message


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"format": 2}, '"format": 1'),
        ({"aspect": 0}, "'aspect' must be"),
        ({"aspect": "1:2"}, "'aspect' must be"),
        ({"aspect": None}, "'aspect' must be"),
        ({"poses": []}, "at least one pose"),
        ({"poses": {}}, "at least one pose"),
        ({"note": "mine"}, "unknown key 'note'"),
    ],
)
def test_a_wrong_file_is_refused(write: Writer, keys: dict[str, object], problem: str) -> None:
    with pytest.raises(UserError) as caught:
        load_poses(write({"joints": JOINTS}, **keys))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"nose 0.5 0.1", b"\xff\xfe\x00", b"[" * 100_000, b'{"format": 1, "format": 1}'],
)
def test_garbage_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "poses.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not valid JSON") as caught:
        load_poses(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_json_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        load_poses(tmp_path / "poses.json")
    with pytest.raises(UserError, match="Is a directory"):
        load_poses(tmp_path)
    for text in ("[]", "3", "null"):
        (tmp_path / "poses.json").write_text(text)
        with pytest.raises(UserError, match='"format": 1'):
            load_poses(tmp_path / "poses.json")


def test_all_problems_come_at_once_but_not_hundreds(write: Writer) -> None:
    bad = changed(nose=[0.5], neck=[9, 9])
    with pytest.raises(UserError, match=r"'aspect' must.*pose 1: nose.*pose 1: neck"):
        load_poses(write(bad, aspect=-1))
    with pytest.raises(UserError, match=r"pose 4: neck[^;]*; 76 more$"):
        load_poses(write(*[bad] * 42))


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    for write_to in (save_poses, lambda path, poses: draw_poses(poses, path)):
        with pytest.raises(UserError, match=r"cannot write the p.*No such file"):
            write_to(tmp_path / "missing" / "file", walking_poses(2))
        with pytest.raises(UserError, match=r"cannot write the p.*directory"):
            write_to(tmp_path, walking_poses(2))
    assert list(tmp_path.iterdir()) == []


def test_a_picture_shows_every_pose(write: Writer, tmp_path: Path) -> None:
    shown = [walking_pose(0.0, 0.3), *load_poses(write({"joints": JOINTS})), *walking_poses(6)]
    draw_poses(shown, tmp_path / "poses.png")
    with Image.open(tmp_path / "poses.png") as image:
        assert image.format == "PNG"
        picture = np.asarray(image)
    assert picture.shape == (512, 7 * 128, 3)  # 8 poses in rows of 7
    for cell, pose in enumerate(shown[:2]):
        x, y = (pose.joints[R_WRIST, :2] * (128, 256)).round().astype(int)
        assert tuple(picture[y, cell * 128 + x].tolist()) == COLORS[R_WRIST]
    cells = [picture[256 * (n // 7) :, 128 * (n % 7) :][20:256, :128] for n in range(14)]
    assert [cell.any() for cell in cells] == [True] * 8 + [False] * 6  # below the captions

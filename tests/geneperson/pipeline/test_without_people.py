"""Somebody in a background: another picture is painted in its place."""

import logging
from pathlib import Path

import numpy as np
import pytest
from yacs.config import CfgNode

import tiny_models as tiny
from geneperson.pipeline.backgrounds import Backgrounds
from geneperson.pipeline.drawer import Drawer
from geneperson.pipeline.spec import BuildSpec
from geneperson.pipeline.without_people import MAX_PAINTED, WithoutPeople
from geneperson.posing.detector import PoseDetector
from geneperson.posing.skeletons import walking_poses

pytest.importorskip("rtmlib")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_rtmo(tmp_path_factory.mktemp("rtmo") / "dots.onnx")


class Crowded:
    """A painter whose first pictures of each background show somebody."""

    def __init__(self, num_crowded: int) -> None:
        self.numbers: list[int] = []
        self._num_crowded = num_crowded

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        if len(self.numbers) < self._num_crowded:
            joints = walking_poses(1)[0].joints[:, :2] * (128, 256)
            picture = tiny.paint_joints(joints, (256, 128))
        else:
            picture = np.zeros((256, 128, 3), np.uint8)
        picture[0, 0] = len(self.numbers)
        self.numbers.append(index)
        return picture


def test_the_first_picture_without_people_is_used(network: Path) -> None:
    detector = PoseDetector(str(network), "KEY")
    for num_crowded in range(MAX_PAINTED):
        painter = Crowded(num_crowded)
        picture = WithoutPeople(painter, detector).background("park", "day", 3)
        assert (picture[0, 0] == num_crowded).all()
        assert painter.numbers[0] == 3
        assert len(set(painter.numbers)) == num_crowded + 1
        assert not set(painter.numbers[1:]) & set(range(1000))  # of no other place in the pool


def test_a_statue_does_not_end_a_build(network: Path, caplog: pytest.LogCaptureFixture) -> None:
    painter = Crowded(MAX_PAINTED)
    with caplog.at_level(logging.WARNING):
        picture = WithoutPeople(painter, PoseDetector(str(network), "KEY")).background(
            "park", "day", 3
        )
    assert len(painter.numbers) == MAX_PAINTED and (picture[0, 0] == MAX_PAINTED - 1).all()
    assert "background park_day_003: the pose detector sees a person" in caplog.text


def test_builds_look_if_they_have_a_detector(
    tiny_cfg: CfgNode, network: Path, tmp_path: Path
) -> None:
    """Also the key of a picture says who looked at it, so that none is used unseen."""
    without = BuildSpec.from_config(tiny_cfg)
    cfg = tiny_cfg.clone()
    cfg.QUALITY.POSE_DETECTOR = str(network)
    spec = BuildSpec.from_config(cfg)
    watched, unwatched = Drawer(spec), Drawer(without)
    assert isinstance(watched.painter, WithoutPeople)
    picture = watched.paint("park", "day", 0)
    assert np.array_equal(picture, unwatched.paint("park", "day", 0))
    keys = {Backgrounds.of(one, tmp_path, {}).path("park", "day", 0) for one in (without, spec)}
    assert len(keys) == 2

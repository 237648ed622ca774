"""RTMO through the real rtmlib and onnxruntime, by a small network that sees painted joints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import tiny_models as tiny
from geneperson import UserError
from geneperson.posing.detector import PoseDetector
from geneperson.posing.skeletons import NECK, walking_poses

pytest.importorskip("rtmlib")


@pytest.fixture(scope="module")
def rtmo(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.save_rtmo(tmp_path_factory.mktemp("rtmo") / "dots.onnx"))


@pytest.fixture(scope="module")
def detector(rtmo: str) -> PoseDetector:
    return PoseDetector(rtmo, "--model")


@pytest.mark.parametrize("number", [0, 9, 21, 30])
def test_joints_are_found_in_openposes_order(detector: PoseDetector, number: int) -> None:
    pose = walking_poses(42)[number]
    joints = np.where(pose.visible[:, None], pose.joints[:, :2] * (128, 256), np.nan)
    (found,) = detector.people(tiny.paint_joints(joints, (256, 128)))
    assert (np.isfinite(found[:, 0]) == pose.visible).all()
    seen = pose.visible.copy()
    seen[NECK] = False  # RTMO has none: it is put between the shoulders
    assert np.abs(found - joints)[seen].max() < 2.0


def test_nobody_and_a_second_person(detector: PoseDetector) -> None:
    assert detector.people(np.zeros((256, 128, 3), np.uint8)) == []
    joints = walking_poses(42)[0].joints[:, :2] * (128, 256)
    picture = tiny.paint_joints(joints, (256, 128))
    cv2.circle(picture, (10, 10), 4, tiny.MARKER, thickness=-1)
    assert len(detector.people(picture)) == 2


def test_loading_is_quiet(rtmo: str, capfd: pytest.CaptureFixture[str]) -> None:
    PoseDetector(rtmo, "--model")
    assert capfd.readouterr().out == ""


def test_what_is_no_rtmo_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    oval = tiny.save_matting(tmp_path / "oval.onnx")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    for model, message in (
        (str(tmp_path / "text.onnx"), r"is not RTMO .*; give an \.onnx file of RTMO"),
        (str(oval), "is not RTMO"),
        ("rtmo-s", "cannot be fetched .* network"),
        ("rtmo-xxl", "no such file; use .* rtmo-s, rtmo-m, rtmo-l"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            PoseDetector(model, "--model")
        assert "\n" not in str(caught.value) and model in str(caught.value)


def test_without_rtmlib_the_way_on_is_named() -> None:
    script = """
import sys
sys.modules["rtmlib"] = None
from geneperson.errors import UserError
from geneperson.posing.detector import PoseDetector
try:
    PoseDetector("rtmo-m", "--model")
except UserError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    expected = "--model needs the package rtmlib: pip install --no-deps rtmlib"
    assert result.stdout.strip() == expected, result.stderr

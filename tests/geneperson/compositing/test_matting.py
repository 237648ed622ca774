"""Cutting people out with rembg and a real ONNX model, and what it says when that cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rembg
from PIL import Image

import tiny_models as tiny
from geneperson import UserError
from geneperson.compositing.matting import Matting, MattingSettings, licence
from geneperson.compositing.saliency import INPUTS
from geneperson.model_sources import digest


def matting(model: str, provider: str) -> Matting:
    return Matting(MattingSettings(model=model, provider=provider, batch_size=3))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_matting(tmp_path_factory.mktemp("models") / "oval.onnx")


def test_a_person_is_found_in_each_cell(model: Path) -> None:
    cells = [np.full((64, 32, 3), 128, np.uint8), np.full((48, 40, 3), 128, np.uint8)]
    before = [cell.copy() for cell in cells]
    alphas = matting(str(model), "auto").alphas(cells)
    for cell, alpha in zip(cells, alphas, strict=True):
        height, width = cell.shape[:2]
        assert alpha.shape == (height, width) and alpha.dtype == np.uint8
        assert alpha[height // 2, width // 2] > 250 and alpha[0, 0] < 5
        assert 0.2 < (alpha > 127).mean() < 0.5
    assert np.array_equal(cells[0], before[0])


def test_the_mask_depends_on_the_picture_and_on_nothing_else(model: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 32, 3), np.uint8)
    half = noise // 2
    together = matting(str(model), "cpu").alphas([noise, half, noise])
    alone = matting(str(model), "cpu").alphas([noise])[0]
    assert np.array_equal(together[0], alone) and np.array_equal(together[2], alone)
    flipped = matting(str(model), "cpu").alphas([255 - noise])[0]
    assert not np.array_equal(alone, flipped)


def test_description(model: Path) -> None:
    assert matting(str(model), "cpu").describe() == {
        "name": "oval.onnx",
        "revision": f"sha256:{digest(model)}",
        "licence": licence("oval.onnx"),
    }
    assert licence("u2net") == "Apache-2.0"
    assert "unknown" in licence("oval.onnx")
    assert "commercial" in licence("bria-rmbg")


def test_a_file_named_from_the_home_folder(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(model.parent))
    assert matting("~/oval.onnx", "cpu").describe()["revision"] == f"sha256:{digest(model)}"


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08" * 50])
def test_a_damaged_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"broken\.onnx' cannot be loaded") as error:
        matting(str(path), "cpu")
    assert "\n" not in str(error.value)


def test_unknown_names_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'u3net': use a local \.onnx file or one of .*u2net"):
        matting("u3net", "cpu")
    with pytest.raises(UserError, match="no such file"):
        matting(str(tmp_path / "none.onnx"), "cpu")


@pytest.mark.parametrize("name", ["u2net", "silueta", "isnet-general-use"])
def test_the_masks_are_those_of_rembg(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With small networks under the names of the published ones, where rembg looks for them."""
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    tiny.save_saliency(tmp_path / f"{name}.onnx", INPUTS[name].side)
    noise = np.random.default_rng(1).integers(0, 256, (64, 32, 3), np.uint8)
    black = np.zeros((40, 20, 3), np.uint8)  # nothing to be normalized by
    cells = [noise, noise // 2, noise[:, ::-1][:50], black]
    found = Matting(MattingSettings(model=name, provider="cpu", batch_size=3)).alphas(cells)
    session = rembg.new_session(name, providers=["CPUExecutionProvider"])
    for cell, alpha in zip(cells, found, strict=True):
        expected = rembg.remove(Image.fromarray(cell), session=session, only_mask=True)
        assert np.array_equal(alpha, np.asarray(expected))
    assert all(np.ptp(alpha) > 100 for alpha in found[:3])


def test_a_model_that_is_left_to_rembg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    tiny.save_saliency(tmp_path / "bria-rmbg.onnx", side=1024)
    cell = np.random.default_rng(1).integers(0, 256, (64, 32, 3), np.uint8)
    model = matting("bria-rmbg", "cpu")
    session = rembg.new_session("bria-rmbg", providers=["CPUExecutionProvider"])
    expected = rembg.remove(Image.fromarray(cell), session=session, only_mask=True)
    assert np.array_equal(model.alphas([cell])[0], np.asarray(expected))
    assert model.describe()["revision"] == f"sha256:{digest(tmp_path / 'bria-rmbg.onnx')}"


def test_a_file_that_is_not_for_matting(tmp_path: Path) -> None:
    embedder = tiny.save_embedder(tmp_path / "embedder.onnx")
    with pytest.raises(UserError, match=r"embedder\.onnx' cannot be run: .*use u2net") as error:
        matting(str(embedder), "cpu").alphas([np.zeros((8, 8, 3), np.uint8)])
    assert "\n" not in str(error.value)


def test_fetching_without_a_network_is_one_line(tmp_path: Path) -> None:
    proxies = dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    script = (
        "from geneperson.compositing.matting import Matting, MattingSettings\n"
        "Matting(MattingSettings(model='u2net', provider='cpu', batch_size=1))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | proxies | {"U2NET_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    last = result.stderr.strip().splitlines()[-1]
    assert "UserError: MATTING.MODEL 'u2net' cannot be loaded" in last, result.stderr
    assert "U2NET_HOME" in last
    assert not list((tmp_path / "home").rglob("*.onnx"))

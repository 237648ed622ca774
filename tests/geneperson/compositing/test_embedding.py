"""An embedder from an ONNX file, by the real onnxruntime, in place of the histograms."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from yacs.config import CfgNode

import tiny_models as tiny
from geneperson import UserError, build
from geneperson.compositing.embedding import Embedder
from geneperson.compositing.gate import ANOTHER_PERSON, Gate
from geneperson.pipeline.spec import BuildSpec

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_embedder(tmp_path_factory.mktemp("embedder") / "tiles.onnx")


def cells(number: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(0)
    people = [rng.integers(0, 256, (64, 32, 3), dtype=np.uint8) for _ in range(number)]
    return people, [np.full((64, 32), 255, np.uint8) for _ in range(number)]


def test_features_are_of_length_one_and_those_of_a_slow_loop(model: Path) -> None:
    people, alphas = cells(3)
    found = Embedder(str(model)).signatures(people, alphas)
    assert found.shape == (3, 1, 48) and found.dtype == np.float32
    assert np.linalg.norm(found, axis=2) == pytest.approx(1.0, abs=1e-5)
    smooth = [np.full_like(people[0], value) for value in (20, 90, 250)]
    found = Embedder(str(model)).signatures(smooth, alphas)
    expected = np.sign(np.array([20, 90, 250]) - 127.0) / np.sqrt(48)
    np.testing.assert_allclose(found[:, 0], expected[:, None].repeat(48, 1), atol=1e-5)


def test_what_is_behind_the_person_does_not_count(model: Path) -> None:
    (one, other), alphas = cells(2)
    for alpha in alphas:
        alpha[:, :16] = 0
    other[:, 16:] = one[:, 16:]
    found = Embedder(str(model)).signatures([one, other], alphas)
    np.testing.assert_array_equal(found[0], found[1])


def test_the_size_is_in_the_notes_or_in_the_input(tmp_path: Path) -> None:
    people, alphas = cells(2)
    noted = tiny.save_embedder(tmp_path / "a.onnx", (64, 32))
    fixed = tiny.save_embedder(tmp_path / "b.onnx", (64, 32), notes=False)
    found = [Embedder(str(path)).signatures(people, alphas) for path in (noted, fixed)]
    np.testing.assert_array_equal(*found)


def test_files_that_are_no_embedder_are_refused_in_one_line(tmp_path: Path) -> None:
    oval = tiny.save_matting(tmp_path / "oval.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    for path, message in (
        (oval, r"takes tensor\(float\) of shape .*must take one input, uint8"),
        (tmp_path / "text.onnx", "cannot be loaded"),
        (tmp_path / "missing.onnx", "cannot be loaded"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            Embedder(str(path))
        assert "\n" not in str(caught.value) and "tools/export.py" in str(caught.value)


def test_a_stranger_in_a_cell_is_found_by_the_embedder(cfg: CfgNode, model: Path) -> None:
    cfg.QUALITY.MIN_SAME_PERSON, cfg.QUALITY.EMBEDDER = 0.5, str(model)
    cfg.MATTING.PROVIDER = "cpu"
    spec = BuildSpec.from_config(cfg)
    first, second = spec.build_synthesizer().characters(list(islice(spec.identities(), 2)))
    people, alphas = spec.grid.crop(first.image), spec.grid.crop(first.alpha)
    gate = Gate(spec.limits, spec.picture, spec.poses)
    assert gate.judge(people, alphas).rejected == {}
    people[2], alphas[2] = spec.grid.crop(second.image)[2], spec.grid.crop(second.alpha)[2]
    verdict = gate.judge(people, alphas)
    assert verdict.rejected == {2: ANOTHER_PERSON}
    assert verdict.appearance is not None and verdict.appearance.signature().shape == (1, 48)


def test_a_set_names_its_embedder_by_content(cfg: CfgNode, model: Path, tmp_path: Path) -> None:
    cfg.QUALITY.TWINS, cfg.QUALITY.EMBEDDER = "keep", str(model)
    cfg.MATTING.PROVIDER = "cpu"
    dataset = build(cfg, tmp_path / "set")
    assert dataset["configuration"]["QUALITY"]["EMBEDDER"] == "tiles.onnx"
    assert len(dataset["embedder_sha256"]) == 64
    assert dataset["likeness"]["within"] > 0
    other = tiny.save_embedder(tmp_path / "tiles.onnx", (64, 32))
    cfg.QUALITY.EMBEDDER = str(other)
    with pytest.raises(UserError, match="embedder_sha256"):
        build(cfg, tmp_path / "set")


def test_an_embedder_that_is_missing_stops_a_build_before_it_starts(
    cfg: CfgNode, tmp_path: Path
) -> None:
    cfg.QUALITY.TWINS, cfg.QUALITY.EMBEDDER = "keep", str(tmp_path / "missing.onnx")
    with pytest.raises(UserError, match=r"QUALITY\.EMBEDDER is .*: no such file"):
        build(cfg, tmp_path / "set")
    assert not (tmp_path / "set").exists()

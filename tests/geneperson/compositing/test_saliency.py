"""Several cells at once: the same masks, in fewer runs, and in less memory when it runs out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import tiny_models as tiny
from geneperson import UserError
from geneperson.compositing.batching import open_batched
from geneperson.compositing.matting import Matting, MattingSettings
from geneperson.compositing.onnx_providers import CPU
from geneperson.compositing.saliency import U2NET, SaliencyNetwork

NOISE = np.random.default_rng(0).integers(0, 256, (64, 32, 3), np.uint8)
CELLS = [NOISE, NOISE // 2, 255 - NOISE, NOISE[:48], NOISE[::-1].copy()]


def network(path: Path, batch_size: int) -> SaliencyNetwork:
    return SaliencyNetwork(*_opened(path, batch_size))


def _opened(path: Path, batch_size: int) -> tuple[Any, Any, int]:
    session, at_once = open_batched(path, [CPU], batch_size, U2NET.side)
    return session, U2NET, at_once


def num_cells_of_runs(session: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many cells each run of a session gets from now on."""
    noted: list[int] = []
    run: Callable = session.run

    def noting(outputs: Any, feed: dict[str, np.ndarray]) -> Any:
        noted.extend(len(batch) for batch in feed.values())
        return run(outputs, feed)

    monkeypatch.setattr(session, "run", noting)
    return noted


@pytest.mark.parametrize("batch", [1, "batch"])
def test_batches_give_the_masks_of_single_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int | str
) -> None:
    path = tiny.save_saliency(tmp_path / "net.onnx", batch=batch)
    single = network(path, 1).alphas(CELLS)
    session, takes, at_once = _opened(path, 2)
    runs = num_cells_of_runs(session, monkeypatch)
    together = SaliencyNetwork(session, takes, at_once).alphas(CELLS)
    assert runs == [2, 2, 1]
    for cell, alone, alpha in zip(CELLS, single, together, strict=True):
        assert alpha.shape == cell.shape[:2] and alpha.dtype == np.uint8
        assert np.array_equal(alpha, alone)
    assert network(path, 2).alphas([]) == []


def test_a_batch_that_is_fixed_inside_is_run_one_by_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tiny.save_saliency(tmp_path / "fixed.onnx", inside=1)
    free = tiny.save_saliency(tmp_path / "free.onnx")
    with caplog.at_level(logging.WARNING):
        session, takes, at_once = _opened(path, 4)
    assert at_once == 1
    assert "fixed.onnx is run one cell at a time" in caplog.text
    found = SaliencyNetwork(session, takes, at_once).alphas(CELLS)
    for alpha, expected in zip(found, network(free, 1).alphas(CELLS), strict=True):
        assert np.array_equal(alpha, expected)


def test_without_the_package_onnx_cells_are_run_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tiny.save_saliency(tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with caplog.at_level(logging.WARNING):
        assert open_batched(path, [CPU], 4, U2NET.side)[1] == 1
    assert "pip install onnx" in caplog.text


def test_a_map_without_contrast_finds_nobody(tmp_path: Path) -> None:
    path = tiny.save_saliency(tmp_path / "net.onnx", gain=0.0)
    (alpha,) = network(path, 1).alphas([NOISE])
    assert alpha.shape == (64, 32) and not alpha.any()


@pytest.fixture(scope="module")
def small_memory() -> onnxruntime.SessionOptions:
    """Options of sessions that have 48 MB for all that they compute."""
    kind, use = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, onnxruntime.OrtMemType.DEFAULT
    place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, use)
    limits = {"max_mem": 48 << 20, "arena_extend_strategy": 1, "initial_chunk_size_bytes": 1 << 20}
    onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg(limits))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


def test_out_of_memory_halves_the_batch(
    tmp_path: Path,
    small_memory: onnxruntime.SessionOptions,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tiny.save_saliency(tmp_path / "net.onnx", batch="batch")
    session = onnxruntime.InferenceSession(path, small_memory, providers=[CPU])
    runs = num_cells_of_runs(session, monkeypatch)
    found = SaliencyNetwork(session, U2NET, 5).alphas(CELLS)
    assert runs == [5, 5, 2, 2, 1]  # the second time after torch has freed what it keeps
    assert "set MATTING.BATCH_SIZE 2 to do so" in caplog.text
    for alpha, expected in zip(found, network(path, 1).alphas(CELLS), strict=True):
        assert np.array_equal(alpha, expected)


def test_a_single_cell_that_does_not_fit_is_one_line(
    tmp_path: Path, small_memory: onnxruntime.SessionOptions
) -> None:
    path = tiny.save_saliency(tmp_path / "net.onnx", channels=64)
    matting = Matting(MattingSettings(model=str(path), provider="cpu", batch_size=1))
    assert len(matting.alphas([NOISE])) == 1
    session = onnxruntime.InferenceSession(path, small_memory, providers=[CPU])
    matting._network = SaliencyNetwork(session, U2NET, 1)
    with pytest.raises(UserError, match=r"not even one cell .*set MATTING\.PROVIDER cpu") as error:
        matting.alphas([NOISE])
    assert "\n" not in str(error.value)

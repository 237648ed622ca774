"""A GPU counts only if onnxruntime computes on it; a session is not moved to the CPU in silence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import tiny_models as tiny
from geneperson import UserError
from geneperson.compositing import onnx_providers
from geneperson.compositing.matting import Matting, MattingSettings
from geneperson.compositing.onnx_providers import CPU, CUDA, find_providers, open_session

HAS_CUDA = CUDA in onnxruntime.get_available_providers()
no_cuda = pytest.mark.skipif(HAS_CUDA, reason="this onnxruntime has CUDA")


def settings(model: Path, provider: str) -> MattingSettings:
    return MattingSettings(model=str(model), provider=provider, batch_size=2)


@pytest.fixture
def oval(tmp_path: Path) -> Path:
    return tiny.save_matting(tmp_path / "oval.onnx")


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """onnxruntime-gpu where a library of CUDA is missing: it lists CUDA and runs on the CPU."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    onnx_providers._runs_on_cuda.cache_clear()
    yield
    onnx_providers._runs_on_cuda.cache_clear()


@no_cuda
def test_without_cuda(oval: Path) -> None:
    assert find_providers("cpu") == find_providers("auto") == [CPU]
    assert not Matting(settings(oval, "auto")).is_on_gpu
    with pytest.raises(UserError, match=r"MATTING\.PROVIDER is 'cuda'.*onnxruntime-gpu"):
        Matting(settings(oval, "cuda"))


@no_cuda
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_cuda_that_is_listed_and_does_not_run(
    oval: Path, claimed: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        matting = Matting(settings(oval, "auto"))
    assert not matting.is_on_gpu
    assert len(matting.alphas([np.zeros((8, 8, 3), np.uint8)])) == 1
    assert caplog.text.count("cannot use GPU 0") == 1
    with pytest.raises(UserError, match="onnxruntime cannot use GPU 0: pip install") as error:
        Matting(settings(oval, "cuda"))
    assert "\n" not in str(error.value)


@no_cuda
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_model_that_is_opened_on_the_cpu_instead(oval: Path) -> None:
    with pytest.raises(UserError, match="opened the model on the CPU"):
        open_session(str(oval), [(CUDA, {"device_id": "0"}), CPU])


def test_the_trial_is_a_convolution() -> None:
    session = open_session(onnx_providers._CONV, [CPU])
    assert session.run(None, {"x": np.full((1, 1, 1, 1), 3.0, np.float32)})[0].item() == 9.0


@pytest.mark.gpu
def test_masks_of_a_gpu(tmp_path: Path) -> None:
    if not HAS_CUDA:
        pytest.skip("this onnxruntime has no CUDA")
    path = tiny.save_saliency(tmp_path / "net.onnx")
    cells = list(np.random.default_rng(0).integers(0, 256, (5, 64, 32, 3), np.uint8))
    on_gpu = Matting(settings(path, "cuda"))
    assert on_gpu.is_on_gpu
    found = on_gpu.alphas(cells)
    for alpha, expected in zip(found, Matting(settings(path, "cpu")).alphas(cells), strict=True):
        assert np.abs(alpha.astype(int) - expected).max() <= 2

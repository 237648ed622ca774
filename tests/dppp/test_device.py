"""MODEL.DEVICE auto: the GPU if torch sees one, else the CPU, and one line that says so."""

import logging
from collections.abc import Callable, Iterator

import pytest
import torch
from fastreid.config import CfgNode

from dppp import DPPPTrainer, UserError
from dppp.config import load_config
from dppp.device import choose_device, resolve_device
from dppp.log import logger


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The messages of the package from now on, whatever FastReID does to its loggers."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]  # a mock
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield messages
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.mark.parametrize(("has_gpu", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto(
    has_gpu: bool, expected: str, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    cfg = load_config("", [])
    assert cfg.MODEL.DEVICE == "auto" and not lines
    resolved = resolve_device(cfg)
    assert resolved.MODEL.DEVICE == choose_device("auto") == expected
    (line,) = lines
    assert line.startswith("MODEL.DEVICE auto: ") and line.endswith(f"running on {expected}")
    assert resolve_device(resolved) is resolved and len(lines) == 1
    assert cfg.MODEL.DEVICE == "auto"


def test_a_gpu_is_asked_for_only_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that only read results load the config of a run that was made on a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    cfg = load_config("", ["MODEL.DEVICE", "cuda"])
    with pytest.raises(UserError, match=r"MODEL.DEVICE is cuda and torch sees no GPU; use auto"):
        resolve_device(cfg)
    with pytest.raises(UserError, match="device is cuda:1 and torch sees no GPU"):
        choose_device("cuda:1", "device")


def test_a_run_says_on_what_it_runs(
    quickstart: Callable[..., CfgNode], monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    trainer = DPPPTrainer(quickstart("MODEL.DEVICE", "auto"))
    assert trainer.cfg.MODEL.DEVICE == trainer.raw_model.device.type == "cpu"
    assert sum("MODEL.DEVICE auto" in line for line in lines) == 1
    with pytest.raises(UserError, match="fp16 needs CUDA"):
        fp16 = ("SOLVER.AMP.ENABLED", True, "SOLVER.AMP.DTYPE", "fp16")
        no_data = ("DATASETS.NAMES", ("Market1501",))  # fp16 is refused before data are looked for
        DPPPTrainer(quickstart("MODEL.DEVICE", "auto", *fp16, *no_data))

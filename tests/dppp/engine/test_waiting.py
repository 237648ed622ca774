"""A step whose losses are not logged is given to the device whole: the host waits for nothing."""

from collections.abc import Callable

import pytest
import torch
from fastreid.config import CfgNode
from fastreid.utils.events import EventStorage

from dppp import DPPPTrainer
from waiting import NoWaiting

Config = Callable[..., CfgNode]
PHASES = pytest.mark.parametrize("number", [1, 2], ids=["phase 1", "phase 2"])


def after_a_step(cfg: CfgNode, number: int) -> DPPPTrainer:
    """Return a trainer that has taken a step of a phase, with its next batch on the device."""
    trainer = DPPPTrainer(cfg)
    trainer.one_step(trainer.phases[number - 1])  # a first step allocates and measures
    step = trainer._trainer
    step._data_loader_iter = iter([next(step._data_loader_iter)])
    step.iter = trainer.iter + 1
    return trainer


@PHASES
@pytest.mark.parametrize("amp", [False, True], ids=["float32", "bf16"])
def test_no_operation_of_a_step_needs_the_host(quickstart: Config, number: int, amp: bool) -> None:
    cfg = quickstart("SOLVER.LOG_PERIOD", 50, "SOLVER.AMP.ENABLED", amp)
    step = after_a_step(cfg, number)._trainer
    with EventStorage(step.iter), NoWaiting():
        step.run_step()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
@PHASES
@pytest.mark.parametrize("amp", [None, "bf16", "fp16"])
def test_cuda_is_not_waited_for(quickstart: Config, number: int, amp: str | None) -> None:
    opts = () if amp is None else ("SOLVER.AMP.ENABLED", True, "SOLVER.AMP.DTYPE", amp)
    cfg = quickstart("MODEL.DEVICE", "cuda", "SOLVER.LOG_PERIOD", 50, *opts)
    step = after_a_step(cfg, number)._trainer
    torch.cuda.set_sync_debug_mode("error")
    try:
        with EventStorage(step.iter):
            step.run_step()
    finally:
        torch.cuda.set_sync_debug_mode("default")

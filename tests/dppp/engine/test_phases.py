"""The learning rates of the shipped recipes, epoch by epoch, by FastReID's real schedulers."""

from types import SimpleNamespace

import pytest
import torch
from fastreid.utils.events import EventStorage

from dppp.config import load_config
from dppp.engine.hooks import ScheduleHook
from dppp.engine.phases import build_phases
from helpers import DPPP_CONFIGS


def rates(config: str, iters_per_epoch: int) -> list[float]:
    """Return the share of the base rate at the last step of each epoch of phase 2."""
    cfg = load_config(str(DPPP_CONFIGS / config), ["MODEL.DEVICE", "cpu"])
    phase = build_phases(cfg)[1]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    start = phase.start_epoch * iters_per_epoch
    trainer = SimpleNamespace(
        optimizer=optimizer,
        scheduler=phase.build_schedule(cfg, optimizer, iters_per_epoch),
        grad_scaler=None,
        warmup_iters=start + cfg.SOLVER.WARMUP_ITERS,
        delay_epochs=phase.start_epoch + cfg.SOLVER.DELAY_EPOCHS,
        iter=start,
    )
    hook, found = ScheduleHook(), []
    hook.trainer = trainer
    optimizer.step()
    with EventStorage() as trainer.storage:
        for trainer.epoch in range(phase.start_epoch, phase.end_epoch):
            hook.before_epoch()
            for _ in range(iters_per_epoch):
                found_in_epoch = optimizer.param_groups[0]["lr"]
                hook.after_step()
                trainer.iter += 1
            hook.after_epoch()
            found.append(found_in_epoch)
    return found


def test_the_15th_epoch_has_a_tenth_and_the_20th_a_hundredth() -> None:
    assert rates("vit_b16.yml", 3) == pytest.approx([1.0] * 14 + [0.1] * 5 + [0.01])


def test_so_they_have_after_two_epochs_of_warm_up() -> None:
    after = rates("vit_b16_strong.yml", 130_519 // 64)
    assert after[0] < 1.0
    assert after[1:] == pytest.approx([1.0] * 13 + [0.1] * 5 + [0.01], rel=1e-3)

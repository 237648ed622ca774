"""A loss that is not finite: nothing is updated from its step on, and the run stops at a log."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fastreid.config import CfgNode
from fastreid.engine.train_loop import HookBase

import processes
from dppp import DPPPTrainer
from dppp.engine.step import TrainStep
from line_model import batch, make_step, run

Config = Callable[..., CfgNode]
MESSAGE = (
    r"^a phase, step 12: the loss is not finite \(loss_square [0-9.]+, loss_other nan\); "
    r"nothing was updated\."
)
FUSED = ["Adam", "AdamW", "SGD"]
BATCHES = [batch(0), batch(1), batch(2, other=math.nan), batch(3), batch(4, other=math.inf)]


def assert_equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> None:
    assert one.keys() == two.keys()
    assert not [key for key in one if not torch.equal(one[key], two[key])]


def assert_stops_at_step_12(step: TrainStep) -> None:
    good, before, *after = run(step, range(10, 15))
    assert not torch.equal(good["heads.weight"], before["heads.weight"])
    for state in after:
        assert_equal(before, state)
    with pytest.raises(FloatingPointError, match=MESSAGE):
        step.finite.check()


@pytest.mark.parametrize("opt", FUSED)
@pytest.mark.parametrize("clip", [False, True], ids=["", "clipped"])
def test_nothing_is_updated_from_the_bad_step_on(quickstart: Config, opt: str, clip: bool) -> None:
    """The bad term has no gradient: only the flag can stop the update."""
    step = make_step(quickstart("SOLVER.OPT", opt, "SOLVER.CLIP_GRADIENTS.ENABLED", clip), BATCHES)
    assert_stops_at_step_12(step)


@pytest.mark.parametrize("opt", [*FUSED, "RMSprop"])
def test_the_gradient_scaler_refuses_it_too(quickstart: Config, opt: str) -> None:
    step = make_step(quickstart("SOLVER.OPT", opt), BATCHES, amp_dtype=torch.float16)
    step.grad_scaler = torch.amp.GradScaler("cpu", init_scale=8.0)  # the usual one overflows here
    assert_stops_at_step_12(step)


def test_a_good_step_is_that_of_the_optimizer_alone(quickstart: Config) -> None:
    step = make_step(quickstart(), BATCHES)
    alone = make_step(quickstart(), BATCHES)
    for state in run(step, range(2)):
        losses = alone.model(next(alone._data_loader_iter))
        alone.optimizer.zero_grad()
        sum(losses.values()).backward()
        alone.optimizer.step()
        assert_equal(state, dict(alone.model.named_parameters()))
    step.finite.check()


def test_an_optimizer_that_is_not_fused_stops_at_once(quickstart: Config) -> None:
    step = make_step(quickstart("SOLVER.OPT", "RMSprop"), BATCHES)
    before = run(step, range(10, 12))[-1]
    with pytest.raises(FloatingPointError, match=MESSAGE):
        run(step, range(12, 15))
    assert_equal(before, dict(step.model.named_parameters()))


def test_it_is_found_at_the_next_log(quickstart: Config) -> None:
    step = make_step(quickstart(), BATCHES, log_period=14)
    run(step, range(10, 13))
    with pytest.raises(FloatingPointError, match=MESSAGE):
        run(step, [13])


class BadStep(HookBase):
    """Makes the loss of step 1 not finite, and keeps the weights that it met."""

    def before_step(self) -> None:
        model = self.trainer.raw_model
        self.mean = model.pixel_mean.clone()
        if self.trainer.iter == 1:
            self.weights = {name: value.clone() for name, value in model.named_parameters()}
            model.pixel_mean.fill_(math.nan)

    def after_step(self) -> None:
        self.trainer.raw_model.pixel_mean.copy_(self.mean)


def test_nothing_is_saved_or_scored_after_it(quickstart: Config, tmp_path: Path) -> None:
    cfg = quickstart("SOLVER.LOG_PERIOD", 50, "TEST.EVAL_PERIOD", 1, "SOLVER.CHECKPOINT_PERIOD", 1)
    trainer = DPPPTrainer(cfg)
    hook = BadStep()
    trainer.register_hooks([hook])
    with pytest.raises(FloatingPointError, match=r"^phase 1, step 1: .*loss_l1_supcon nan"):
        trainer.train()
    assert trainer.iter == 3  # all of the epoch
    assert_equal(hook.weights, dict(trainer.raw_model.named_parameters()))
    assert not list(tmp_path.glob("*.pth"))
    assert not trainer.results


def test_one_step_says_so_at_once(quickstart: Config) -> None:
    trainer = DPPPTrainer(quickstart("SOLVER.LOG_PERIOD", 50))
    trainer.raw_model.pixel_mean.fill_(math.nan)
    with pytest.raises(FloatingPointError, match="phase 1, step 0"):
        trainer.one_step()


def test_one_process_stops_all(quickstart: Config, tmp_path: Path) -> None:
    """Each process has its own loss, as with FastReID's models; that of one is not finite."""
    (tmp_path / "config.yml").write_text(quickstart().dump())
    script = Path(__file__).parent / "one_bad_process.py"
    processes.torchrun(2, script, tmp_path / "config.yml", tmp_path, cwd=tmp_path)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert first["message"] == second["message"]
    assert first["message"].startswith("a phase, step 1: the loss is not finite (loss_square")
    assert "loss_other nan" in first["message"]
    for before, after, after_next in (first["states"], second["states"]):
        assert_equal(before, after)
        assert_equal(before, after_next)
    assert_equal(first["states"][0], second["states"][0])

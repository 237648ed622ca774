"""Optimizers are fused where torch can, with FastReID's groups, clipping and old checkpoints."""

import copy
from collections.abc import Callable

import pytest
import torch
from fastreid.config import CfgNode
from fastreid.solver import build_optimizer as fastreid_optimizer
from torch.optim import Optimizer

from dppp.engine.optimizer import build_optimizer
from line_model import LineModel, batch, make_step, run

Config = Callable[..., CfgNode]
GROUPS = (
    "SOLVER.WEIGHT_DECAY", 0.1, "SOLVER.WEIGHT_DECAY_NORM", 0.2, "SOLVER.WEIGHT_DECAY_BIAS", 0.3,
    "SOLVER.BIAS_LR_FACTOR", 2.0, "SOLVER.HEADS_LR_FACTOR", 10.0,
)  # fmt: skip


def is_fused(optimizer: Optimizer) -> bool:
    return all(group.get("fused") for group in optimizer.param_groups)


@pytest.mark.parametrize("opt", ["Adam", "AdamW", "SGD", "RMSprop"])
def test_a_model_without_groups_has_those_of_fastreid(quickstart: Config, opt: str) -> None:
    cfg, model = quickstart("SOLVER.OPT", opt, *GROUPS), LineModel()
    ours = build_optimizer(cfg, model)
    theirs = fastreid_optimizer(cfg, model, contiguous=False)[0]
    for group, expected in zip(ours.param_groups, theirs.param_groups, strict=True):
        [parameter], [same] = group.pop("params"), expected.pop("params")
        assert parameter is same
        assert group.pop("fused", None) == (None if opt == "RMSprop" else True)
        expected.pop("fused", None)
        assert group == expected


def test_sgd_with_a_gradient_scaler_is_not_fused(quickstart: Config) -> None:
    """If the scaler skips the first step, torch's fused SGD goes on with a momentum of garbage."""
    cfg = quickstart("SOLVER.AMP.ENABLED", True)
    cfg.defrost()
    cfg.SOLVER.AMP.DTYPE, cfg.MODEL.DEVICE = "fp16", "cuda"
    for opt, expected in (("Adam", True), ("SGD", False)):
        cfg.SOLVER.OPT = opt
        assert is_fused(build_optimizer(cfg, LineModel())) == expected


@pytest.mark.parametrize("opt", ["Adam", "AdamW", "SGD"])
def test_the_checkpoint_of_an_unfused_optimizer_goes_on(quickstart: Config, opt: str) -> None:
    cfg = quickstart("SOLVER.OPT", opt)
    batches = [batch(seed) for seed in range(4)]
    old = make_step(cfg, batches)
    old.optimizer = fastreid_optimizer(cfg, old.model, contiguous=False)[0]
    assert not is_fused(old.optimizer)
    run(old, range(2))
    new = make_step(cfg, batches[2:])
    new.model.load_state_dict(old.model.state_dict())
    new.optimizer.load_state_dict(copy.deepcopy(old.optimizer.state_dict()))
    assert is_fused(new.optimizer) and not is_fused(old.optimizer)
    for one, two in zip(run(old, range(2, 4)), run(new, range(2, 4)), strict=True):
        for name, value in one.items():
            torch.testing.assert_close(two[name], value, msg=name)


@pytest.mark.parametrize("amp_dtype", [None, torch.float16], ids=["", "scaled"])
@pytest.mark.parametrize("opt", ["Adam", "RMSprop"])
def test_true_gradients_are_clipped(
    quickstart: Config, opt: str, amp_dtype: torch.dtype | None
) -> None:
    """Those of the loss, not of the scaled loss."""
    cfg = quickstart(
        "SOLVER.OPT", opt, "SOLVER.WEIGHT_DECAY", 0.0, "SOLVER.WEIGHT_DECAY_NORM", 0.0,
        "SOLVER.WEIGHT_DECAY_BIAS", 0.0, "SOLVER.CLIP_GRADIENTS.ENABLED", True,
        "SOLVER.CLIP_GRADIENTS.CLIP_TYPE", "norm", "SOLVER.CLIP_GRADIENTS.CLIP_VALUE", 0.01,
    )  # fmt: skip
    step = make_step(cfg, [batch(0)], amp_dtype=amp_dtype)
    if amp_dtype is not None:
        step.grad_scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    run(step, [0])
    for parameter in step.model.parameters():
        state = step.optimizer.state[parameter]
        # After one step: (1 - beta1) g of Adam; the root of (1 - alpha) g^2 of RMSprop.
        clipped = state["exp_avg"] / 0.1 if opt == "Adam" else (state["square_avg"] / 0.01).sqrt()
        assert clipped.norm().item() == pytest.approx(0.01, rel=1e-3)

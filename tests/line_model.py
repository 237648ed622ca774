"""A model small enough to count its numbers, and training steps of it on given batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from fastreid.config import CfgNode
from fastreid.utils.events import EventStorage
from torch import Tensor, nn

from dppp.engine.average import WeightAverage
from dppp.engine.optimizer import build_optimizer
from dppp.engine.step import TrainStep
from dppp.modeling import ReIDModel


class LineModel(ReIDModel):
    """Two linear layers and a norm; two losses of the batch of this process alone."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.backbone = nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5))
        self.heads = nn.Linear(5, 4)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        self.register_buffer("pixel_mean", torch.zeros(1, 3, 1, 1))

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        out = self.heads(self.backbone(batch["images"]))
        return {"loss_square": out.float().square().mean(), "loss_other": batch["other"].mean()}


def batch(seed: int, other: float = 0.5) -> dict[str, Tensor]:
    """Return 8 rows; the second loss is ``other``, and has no gradient."""
    images = torch.randn(8, 6, generator=torch.Generator().manual_seed(seed))
    return {"images": images, "other": torch.full((8,), other)}


def make_step(
    cfg: CfgNode,
    batches: Sequence[dict[str, Tensor]],
    *,
    amp_dtype: torch.dtype | None = None,
    log_period: int = 100,
    wrap: Callable[[nn.Module], nn.Module] = lambda model: model,
) -> TrainStep:
    """Return a step on one batch after the other, in a phase called "a phase"."""
    model = LineModel().train()
    step = TrainStep(
        model, batches, amp_dtype=amp_dtype, log_period=log_period, images_per_step=8
    )  # fmt: skip
    optimizer, average = build_optimizer(cfg, model), WeightAverage(model, 0)
    step.start_phase("a phase", wrap(model), optimizer, average)
    step.restart_data()
    return step


def run(step: TrainStep, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Run the steps of these numbers; return the weights after each."""
    states = []
    with EventStorage(numbers[0]):
        for step.iter in numbers:
            step.run_step()
            states.append({n: p.detach().clone() for n, p in step._raw_model.named_parameters()})
    return states

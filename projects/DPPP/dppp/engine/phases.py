"""The phases of a run: which epochs each has, and its optimizer and schedule.

The model says which phases there are and what each trains; its losses follow from the phase it
was told to start. The loop in trainer.py runs any phase.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from fastreid.config import CfgNode
from fastreid.solver import build_lr_scheduler, build_optimizer
from fastreid.solver.build import get_default_optimizer_params, maybe_add_gradient_clipping
from torch import nn
from torch.optim import Optimizer

from ..modeling.build import model_class
from ..modeling.interface import ReIDModel, TrainedGroup


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A phase of a run.

    Attributes:
        name: for logs, tables and file names.
        number: which its random numbers depend on, and by which the model knows it.
        start_epoch, end_epoch: the epochs [start, end) of the run that belong to it.
    """

    name: str
    number: int
    start_epoch: int
    end_epoch: int

    def build_optimizer(self, cfg: CfgNode, model: ReIDModel) -> Optimizer:
        """Make the optimizer of what the model trains in this phase, which it has started."""
        groups = model.trained_groups()
        if groups is not None:
            return _group_optimizer(cfg, groups)
        cfg = cfg.clone()
        cfg.defrost()
        cfg.SOLVER.FREEZE_ITERS = 0  # FreezeHook does it
        return build_optimizer(cfg, model, contiguous=False)[0]

    def build_schedule(
        self, cfg: CfgNode, optimizer: Optimizer, iters_per_epoch: int
    ) -> dict[str, Any]:
        """Make FastReID's schedulers by name, counting from the start of this phase."""
        cfg = cfg.clone()
        cfg.defrost()
        solver = cfg.SOLVER
        before = max(math.ceil(solver.WARMUP_ITERS / iters_per_epoch), solver.DELAY_EPOCHS)
        # A cosine needs an epoch, or it divides by zero if warm-up ends within the last one.
        solver.MAX_EPOCH = max(self.end_epoch - self.start_epoch, before + 1)
        return build_lr_scheduler(cfg, optimizer, iters_per_epoch)


def build_phases(cfg: CfgNode) -> list[Phase]:
    """Return the phases of a config, in order."""
    phases, start = [], 0
    for plan in model_class(cfg.MODEL.META_ARCHITECTURE).plan_phases(cfg):
        end = start + plan.epochs
        phases.append(Phase(name=plan.name, number=plan.number, start_epoch=start, end_epoch=end))
        start = end
    return phases


def _group_optimizer(cfg: CfgNode, groups: list[TrainedGroup]) -> Optimizer:
    """SOLVER.BASE_LR, times HEADS_LR_FACTOR for everything new."""
    solver = cfg.SOLVER
    merged: dict[tuple[str, float, float], list[nn.Parameter]] = {}
    for group in groups:
        lr = solver.BASE_LR * solver.HEADS_LR_FACTOR if group.is_new else solver.BASE_LR
        for part in group.parts:
            for settings in _parameters(part, cfg, lr):
                key = (group.name, settings["lr"], settings["weight_decay"])
                merged.setdefault(key, []).extend(settings["params"])
    options = (
        {"momentum": solver.MOMENTUM, "nesterov": solver.NESTEROV} if solver.OPT == "SGD" else {}
    )
    optimizer = maybe_add_gradient_clipping(cfg, getattr(torch.optim, solver.OPT))
    return optimizer(
        [
            {"params": params, "name": name, "lr": lr, "weight_decay": decay}
            for (name, lr, decay), params in merged.items()
        ],
        **options,
    )


def _parameters(part: nn.Module | nn.Parameter, cfg: CfgNode, lr: float) -> list[dict[str, Any]]:
    """Return FastReID's parameter groups, with the weight decay of norms and biases, of a part."""
    if isinstance(part, nn.Parameter):
        return [{"params": [part], "lr": lr, "weight_decay": 0.0}]
    return get_default_optimizer_params(
        part,
        base_lr=lr,
        weight_decay=cfg.SOLVER.WEIGHT_DECAY,
        weight_decay_norm=cfg.SOLVER.WEIGHT_DECAY_NORM,
        bias_lr_factor=cfg.SOLVER.BIAS_LR_FACTOR,
        weight_decay_bias=cfg.SOLVER.WEIGHT_DECAY_BIAS,
    )


def describe_trainable(model: ReIDModel) -> str:
    """Return which parts train and which are frozen, with their numbers of parameters."""
    lines = []
    for name, part in model.named_parts():
        total = sum(p.numel() for p in part.parameters())
        trains = sum(p.numel() for p in part.parameters() if p.requires_grad)
        if total:
            lines.append(f"  {name:<22} {trains:>12,} of {total:>12,} parameters train")
    return "\n".join(lines)

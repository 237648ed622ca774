"""The phases of a run, and the hooks that follow them.

A phase says what trains, with which optimizer and schedule; its losses come from the model
(``CLIPDPPP.forward``), which ``enter`` has told about it. The loop in trainer.py runs any phase.
"""

import logging
import math
from dataclasses import dataclass

import torch
from fastreid.config import CfgNode
from fastreid.engine import hooks
from fastreid.engine.train_loop import HookBase
from fastreid.solver import build_lr_scheduler, build_optimizer
from fastreid.solver.build import get_default_optimizer_params, maybe_add_gradient_clipping
from fastreid.utils import comm
from torch import nn
from torch.optim import Optimizer
from tqdm import tqdm

from ..config import active_phases

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Phase:
    """FastReID's own training, for meta-architectures without phases: everything, at once.

    Args:
        name: for logs, tables and file names.
        start_epoch, end_epoch: the epochs [start, end) of the run that belong to it.
        number: of the phase, which its random numbers depend on.
    """

    name: str
    start_epoch: int
    end_epoch: int
    number: int = 0

    def enter(self, model: nn.Module) -> None:
        """Make ``model`` ready for this phase."""

    def build_optimizer(self, cfg: CfgNode, model: nn.Module) -> Optimizer:
        cfg = cfg.clone()
        cfg.defrost()
        cfg.SOLVER.FREEZE_ITERS = 0  # engine/freezing.py
        return build_optimizer(cfg, model, contiguous=False)[0]

    def build_schedule(self, cfg: CfgNode, optimizer: Optimizer, iters_per_epoch: int) -> dict:
        """FastReID's schedulers by name, counting from the start of this phase."""
        cfg = cfg.clone()
        cfg.defrost()
        solver = cfg.SOLVER
        before = max(math.ceil(solver.WARMUP_ITERS / iters_per_epoch), solver.DELAY_EPOCHS)
        # A cosine needs an epoch, or it divides by zero where warm-up ends within the last one.
        solver.MAX_EPOCH = max(self.end_epoch - self.start_epoch, before + 1)
        return build_lr_scheduler(cfg, optimizer, iters_per_epoch)


@dataclass(frozen=True)
class DPPPPhase(Phase):
    """Phase 1 (pseudo-word learning, Eq. 13) or 2 (style disentanglement, Eq. 16)."""

    def enter(self, model: nn.Module) -> None:
        model.start_phase(self.number)

    def build_optimizer(self, cfg: CfgNode, model: nn.Module) -> Optimizer:
        """SOLVER.BASE_LR for the visual encoder, times HEADS_LR_FACTOR for everything new."""
        solver = cfg.SOLVER
        groups = {}
        for part in model.trained_parts():
            visual = part is model.towers.visual
            lr = solver.BASE_LR if visual else solver.BASE_LR * solver.HEADS_LR_FACTOR
            for one in _parameters(part, cfg, lr):
                key = ("visual" if visual else "new", one["lr"], one["weight_decay"])
                groups.setdefault(key, []).extend(one["params"])
        options = (
            {"momentum": solver.MOMENTUM, "nesterov": solver.NESTEROV}
            if solver.OPT == "SGD"
            else {}
        )
        optimizer = maybe_add_gradient_clipping(cfg, getattr(torch.optim, solver.OPT))
        return optimizer(
            [
                {"params": params, "name": name, "lr": lr, "weight_decay": decay}
                for (name, lr, decay), params in groups.items()
            ],
            **options,
        )


def _parameters(part: nn.Module | nn.Parameter, cfg: CfgNode, lr: float) -> list[dict]:
    """FastReID's parameter groups (weight decay of norms and biases) of one part of the model."""
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


def build_phases(cfg: CfgNode) -> list[Phase]:
    """The phases of a config, in order."""
    if cfg.MODEL.META_ARCHITECTURE != "CLIPDPPP":
        return [Phase("training", 0, cfg.SOLVER.MAX_EPOCH)]
    phases, start = [], 0
    for number in active_phases(cfg):
        end = start + cfg.SOLVER.PHASE_EPOCHS[number - 1]
        phases.append(DPPPPhase(f"phase {number}", start, end, number))
        start = end
    return phases


class PhaseHook(HookBase):
    """Enters the phase that an epoch belongs to, before it starts."""

    def before_epoch(self) -> None:
        phase = self.trainer.phase_of(self.trainer.epoch)
        if phase is not self.trainer.phase:
            self.trainer.enter_phase(phase)


class ScheduleHook(hooks.LRScheduler):
    """FastReID's learning-rate hook, on the optimizer of the present phase."""

    def __init__(self) -> None:
        """The optimizer is the trainer's, known from the first epoch on."""

    def before_epoch(self) -> None:
        super().__init__(self.trainer.optimizer, self.trainer.scheduler)


class EvaluationHook(hooks.EvalHook):
    """Evaluates every ``period`` epochs and at the end of each phase."""

    def after_epoch(self) -> None:
        done = self.trainer.epoch + 1
        if done == self.trainer.phase.end_epoch or (self._period > 0 and done % self._period == 0):
            self._do_eval()

    def after_train(self) -> None:
        """The last epoch ends the last phase; there is nothing left to evaluate."""


class ProgressHook(HookBase):
    """A progress bar of steps, in an interactive terminal."""

    def before_train(self) -> None:
        trainer = self.trainer
        total, start = trainer.max_iter, trainer.start_iter
        # None: shown only where standard error is a terminal.
        disable = None if comm.is_main_process() else True
        self._bar = tqdm(total=total, initial=start, unit="step", disable=disable)

    def after_step(self) -> None:
        self._bar.set_description(self.trainer.phase.name, refresh=False)
        self._bar.update()

    def after_train(self) -> None:
        self._bar.close()


class WriterHook(hooks.PeriodicWriter):
    """FastReID's writer, which divides by zero where the end of an epoch is written twice."""

    def after_epoch(self) -> None:
        if self.trainer.iter % self._period:
            super().after_epoch()


class CheckpointHook(hooks.PeriodicCheckpointer):
    """FastReID's checkpoints, and one at the end of each phase."""

    def before_train(self) -> None:
        if self.trainer.cfg.DATASETS.TESTS:
            super().before_train()
        else:
            self.max_epoch, self.metric_name = self.trainer.max_epoch, "metric"

    def after_epoch(self) -> None:
        phase = self.trainer.phase
        if self.trainer.epoch + 1 == phase.end_epoch and len(self.trainer.phases) > 1:
            self.checkpointer.save(f"model_{phase.name.replace(' ', '')}", epoch=self.trainer.epoch)
        super().after_epoch()


def describe_trainable(model: nn.Module) -> str:
    """Which parts train and which are frozen, with their numbers of parameters."""
    lines = []
    for name, child in _named_parts(model):
        total = sum(p.numel() for p in child.parameters())
        trains = sum(p.numel() for p in child.parameters() if p.requires_grad)
        if total:
            lines.append(f"  {name:<22} {trains:>12,} of {total:>12,} parameters train")
    return "\n".join(lines)


def _named_parts(model: nn.Module) -> list[tuple[str, nn.Module]]:
    parts = []
    for name, child in model.named_children():
        parts += (
            [(f"{name}.{n}", c) for n, c in child.named_children()]
            if name == "towers"
            else [(name, child)]
        )
    return parts

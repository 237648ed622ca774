"""The phases of a run: which epochs each has, and its schedule.

The model says which phases there are and what each trains; its losses follow from the phase it
was told to start. The loop in trainer.py runs any phase.
"""

import math
from dataclasses import dataclass
from typing import Any

from fastreid.config import CfgNode
from fastreid.solver import build_lr_scheduler
from torch.optim import Optimizer

from ..modeling.build import model_class
from ..modeling.interface import ReIDModel


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A phase of a run.

    Attributes:
        name: for logs, tables and file names.
        number: which its random numbers depend on, and by which the model knows it.
        start_epoch, end_epoch: the epochs [start, end) of the run that belong to it.
        needs_weights: whether a run that begins with it needs a checkpoint to start from.
    """

    name: str
    number: int
    start_epoch: int
    end_epoch: int
    needs_weights: bool = False

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
        phases.append(
            Phase(
                name=plan.name,
                number=plan.number,
                start_epoch=start,
                end_epoch=end,
                needs_weights=plan.needs_weights,
            )
        )
        start = end
    return phases


def describe_trainable(model: ReIDModel) -> str:
    """Return which parts train and which are frozen, with their numbers of parameters."""
    lines = []
    for name, part in model.named_parts():
        total = sum(p.numel() for p in part.parameters())
        trains = sum(p.numel() for p in part.parameters() if p.requires_grad)
        if total:
            lines.append(f"  {name:<22} {trains:>12,} of {total:>12,} parameters train")
    return "\n".join(lines)

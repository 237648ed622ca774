"""Whether every loss was finite, kept on the device: a step does not wait for the answer."""

import math
from collections.abc import Mapping

import torch
import torch.distributed as dist
from fastreid.utils import comm
from torch import Tensor
from torch.optim import Optimizer


class FiniteLoss:
    """Remembers the first step whose loss is not finite; from it on, no weight is updated.

    In each step: ``note`` the losses, then ``guard`` the optimizer, or give the ``spoilt`` loss to
    a gradient scaler. ``check`` waits for the device: before losses are logged, and before a model
    is saved, evaluated or handed out.

    Attributes:
        found: float32 scalar on the device: 1 from the first such step of any process on, else 0.

    Args:
        phase_name: for the message.
        device: of the losses.
    """

    def __init__(self, phase_name: str, device: torch.device) -> None:
        self.found = torch.zeros((), device=device)
        self._phase_name = phase_name
        self._step = torch.zeros((), dtype=torch.int64, device=device)
        self._terms: dict[str, Tensor] = {}

    def note(self, losses: Mapping[str, Tensor], total: Tensor, step: int) -> None:
        """Remember the step, unless an earlier one was not finite.

        Args:
            losses: scalars of this process by name.
            total: their sum.
            step: its number in the run.
        """
        known = self.found > 0
        self._step.masked_fill_(~known, step)
        self._terms = {
            name: torch.where(known, self._terms.get(name, value), value).detach()
            for name, value in losses.items()
        }
        bad = 1 - torch.isfinite(total.detach()).float()
        if comm.get_world_size() > 1:  # FastReID's models have a loss per process
            dist.all_reduce(bad, op=dist.ReduceOp.MAX)
        self.found = torch.maximum(self.found, bad)

    def guard(self, optimizer: Optimizer) -> None:
        """Let a fused optimizer skip its update on the device; with any other, ``check`` now."""
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            # torch's own scaler sets it the same way; its stubs do not know it
            optimizer.found_inf = self.found  # type: ignore[attr-defined]
        else:
            self.check()

    def spoilt(self, total: Tensor) -> Tensor:
        """Return ``total``, with gradients that a scaler refuses if no weight may be updated."""
        return total * torch.where(self.found > 0, math.nan, 1.0)

    def check(self) -> None:
        """Wait for the device; in several processes, all must call it at the same step.

        Raises:
            FloatingPointError: a loss was not finite; the weights are those before its step.
        """
        if not self.found.item():
            return
        terms = {name: value.item() for name, value in self._terms.items()}
        by_process = comm.all_gather(terms)
        bad = next((t for t in by_process if not math.isfinite(sum(t.values()))), terms)
        shown = ", ".join(f"{name} {value:g}" for name, value in bad.items())
        raise FloatingPointError(
            f"{self._phase_name}, step {self._step.item()}: the loss is not finite ({shown}); "
            "nothing was updated. Lower SOLVER.BASE_LR, or switch SOLVER.AMP.ENABLED off"
        )

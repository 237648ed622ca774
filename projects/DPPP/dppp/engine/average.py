"""Exponential moving average of the weights: what a run evaluates and hands out.

| symbol | meaning |
| ------ | ------- |
| w_t    | the weights after step t of a phase |
| a_t    | their average: a_t = d_t a_(t-1) + (1 - d_t) w_t, with a_0 = w_0 |
| d_t    | min(SOLVER.EMA_DECAY, (1 + t) / (10 + t)): little is kept of the first weights |
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_STATISTICS = ("running_mean", "running_var")  # they belong to the weights that saw the images


class WeightAverage:
    """The average of what the present phase of a model trains, and of its batch statistics.

    Checkpoints are written while the average is in the model, so ``model`` of a file is the average
    and its ``average`` holds the weights that training goes on with.

    Args:
        model: in the phase that trains.
        decay: SOLVER.EMA_DECAY; 0 averages nothing, and every method does nothing.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._weights: dict[str, Tensor] = {}
        if decay:
            trained = {name: p.data for name, p in model.named_parameters() if p.requires_grad}
            moving = {n: b for n, b in model.named_buffers() if n.endswith(_STATISTICS)}
            self._weights = trained | moving
        self.restart()

    def restart(self) -> None:
        """Begin with the weights as they are."""
        self._num_steps = 0
        self._average = {name: weight.clone() for name, weight in self._weights.items()}

    def update(self) -> None:
        """Take in the weights after a step."""
        if not self._weights:
            return
        self._num_steps += 1
        decay = min(self._decay, (1 + self._num_steps) / (10 + self._num_steps))
        average, weights = list(self._average.values()), list(self._weights.values())
        torch._foreach_lerp_(average, weights, 1 - decay)

    def swap(self) -> None:
        """Exchange the weights of the model and their average."""
        for name, weight in self._weights.items():
            kept = weight.clone()
            weight.copy_(self._average[name])
            self._average[name].copy_(kept)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Have the average in the model for a while."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs besides the model that holds the average."""
        return {"num_steps": self._num_steps, "weights": dict(self._average)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a checkpoint was written; the model has loaded its average."""
        self._num_steps = state["num_steps"]
        for name, weight in state["weights"].items():
            self._average[name].copy_(weight)
        self.swap()

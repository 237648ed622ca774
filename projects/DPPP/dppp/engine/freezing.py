"""SOLVER.FREEZE_ITERS: parts of a baseline stay as they are for the first steps of a run.

Upstream (fastreid 1.4.0) does it in two places that disagree: its optimizer takes the names of
MODEL.FREEZE_LAYERS for patterns, so that MGN's "b1" freezes "b1_head" too and nothing trains at
all; and it counts the steps of the process, so that a resumed run freezes anew.
"""

from collections.abc import Iterable

from fastreid.engine.train_loop import HookBase
from torch import nn

from ..errors import UserError


class FreezeHook(HookBase):
    """Keeps the weights and batch statistics of parts of a model, up to a step of the run.

    Gradients are computed and dropped, not switched off: distributed training counts on them.

    Args:
        model: not wrapped for distributed training.
        names: of the parts, as in MODEL.FREEZE_LAYERS: "backbone", "backbone.layer1", ...
        num_steps: how many steps of the whole run they stay.

    Raises:
        UserError: the model has no such part.
    """

    def __init__(self, model: nn.Module, names: Iterable[str], num_steps: int) -> None:
        known = dict(model.named_modules())
        unknown = [name for name in names if not name or name not in known]
        if unknown:
            parts = ", ".join(name for name, _ in model.named_children())
            raise UserError(f"MODEL.FREEZE_LAYERS: the model has no {unknown}; it has {parts}")
        self._parts = [known[name] for name in names]
        self._num_steps = num_steps

    def _frozen(self) -> bool:
        return self.trainer.iter < self._num_steps

    def before_train(self) -> None:
        self.trainer.optimizer.register_step_pre_hook(self._drop_gradients)

    def before_step(self) -> None:
        if self._frozen() or self.trainer.iter == self._num_steps:
            for part in self._parts:  # each time: an evaluation in between sets them to training
                part.train(not self._frozen())

    def _drop_gradients(self, *_: object) -> None:
        if self._frozen():
            for part in self._parts:
                part.zero_grad()

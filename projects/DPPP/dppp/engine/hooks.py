"""FastReID's hooks where they must know about phases, and a few of our own."""

from collections.abc import Iterable

from fastreid.engine import hooks
from fastreid.engine.train_loop import HookBase
from fastreid.utils import comm
from torch import nn
from tqdm import tqdm

from ..errors import UserError


class PhaseHook(HookBase):
    """Enters the phase that an epoch belongs to, before it starts."""

    def before_epoch(self) -> None:
        """Enter the next phase at its first epoch."""
        phase = self.trainer.phase_of(self.trainer.epoch)
        if phase is not self.trainer.phase:
            self.trainer.enter_phase(phase)


class ScheduleHook(hooks.LRScheduler):
    """FastReID's learning-rate hook, on the optimizer of the present phase."""

    def __init__(self) -> None:
        # Not FastReID's: the optimizer is the trainer's, known from the first epoch on.
        pass

    def before_epoch(self) -> None:
        """Take the optimizer and the schedule of the present phase."""
        super().__init__(self.trainer.optimizer, self.trainer.scheduler)


class EvaluationHook(hooks.EvalHook):
    """Evaluates every ``eval_period`` epochs and at the end of each phase."""

    def after_epoch(self) -> None:
        """Evaluate if the epoch is one of those."""
        done = self.trainer.epoch + 1
        if done == self.trainer.phase.end_epoch or (self._period > 0 and done % self._period == 0):
            self._do_eval()

    def after_train(self) -> None:
        """Do nothing: the last epoch ends the last phase, which is evaluated."""


class ProgressHook(HookBase):
    """A progress bar of steps, in an interactive terminal."""

    def before_train(self) -> None:
        """Open the bar."""
        trainer = self.trainer
        total, start = trainer.max_iter, trainer.start_iter
        # None: shown only if standard error is a terminal.
        disable = None if comm.is_main_process() else True
        self._bar = tqdm(total=total, initial=start, unit="step", disable=disable)

    def after_step(self) -> None:
        """Advance the bar."""
        self._bar.set_description(self.trainer.phase.name, refresh=False)
        self._bar.update()

    def after_train(self) -> None:
        """Close the bar."""
        self._bar.close()


class WriterHook(hooks.PeriodicWriter):
    """FastReID's writer, which divides by zero if the end of an epoch is written twice."""

    def after_epoch(self) -> None:
        """Write, unless the last step has just been written."""
        if self.trainer.iter % self._period:
            super().after_epoch()


class CheckpointHook(hooks.PeriodicCheckpointer):
    """FastReID's checkpoints, and one at the end of each phase."""

    def before_train(self) -> None:
        """Name the metric of the best checkpoint; without a test set there is none."""
        if self.trainer.cfg.DATASETS.TESTS:
            super().before_train()
        else:
            self.max_epoch, self.metric_name = self.trainer.max_epoch, "metric"

    def after_epoch(self) -> None:
        """Save at the end of a phase, and as FastReID does."""
        phase = self.trainer.phase
        if self.trainer.epoch + 1 == phase.end_epoch and len(self.trainer.phases) > 1:
            self.checkpointer.save(f"model_{phase.name.replace(' ', '')}", epoch=self.trainer.epoch)
        super().after_epoch()


class FreezeHook(HookBase):
    """Keeps the weights and batch statistics of parts of a model, up to a step of the run.

    This is SOLVER.FREEZE_ITERS for the baselines. Upstream (fastreid 1.4.0) implements it in two
    places that disagree: its optimizer takes the names of MODEL.FREEZE_LAYERS as patterns, so that
    MGN's "b1" freezes "b1_head" too and nothing trains; and it counts the steps of the process, so
    that a resumed run freezes again.

    Gradients are computed and dropped, not switched off: distributed training counts on them.

    Args:
        model: not wrapped for distributed training.
        names: of the parts, as in MODEL.FREEZE_LAYERS: "backbone", "backbone.layer1", ...
        num_steps: how many steps of the whole run they stay frozen.

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
        """Watch the optimizer."""
        self.trainer.optimizer.register_step_pre_hook(self._drop_gradients)

    def before_step(self) -> None:
        """Set the parts to evaluation; each time, as an evaluation sets them back to training."""
        if self._frozen() or self.trainer.iter == self._num_steps:
            for part in self._parts:
                part.train(not self._frozen())

    def _drop_gradients(self, *_: object) -> None:
        if self._frozen():
            for part in self._parts:
                part.zero_grad()

"""One optimization step, on any device, with FastReID's loader iterator and event storage."""

import time
from collections.abc import Iterable

import torch
from fastreid.engine.train_loop import SimpleTrainer
from fastreid.utils import comm
from fastreid.utils.events import get_event_storage
from torch import Tensor, nn
from torch.optim import Optimizer

from ..modeling.interface import ReIDModel
from .average import WeightAverage
from .finite_loss import FiniteLoss


class TrainStep(SimpleTrainer):
    """A step of the present phase.

    Attributes:
        model: the model, or its wrapper for distributed training.
        finite: whether the losses of the present phase are finite so far.
        losses: those of the last step, weighted, by name.

    Args:
        model: returns named losses in training mode.
        data_loader: endless batches on the model's device.
        amp_dtype: of mixed precision: torch.bfloat16, torch.float16 (with a gradient scaler), or
            None for full precision.
        log_period: number of steps between two records of the losses.
        images_per_step: of all processes together.
    """

    def __init__(
        self,
        model: ReIDModel,
        data_loader: Iterable,
        *,
        amp_dtype: torch.dtype | None,
        log_period: int,
        images_per_step: int,
    ) -> None:
        super().__init__(model, data_loader, optimizer=None, param_wrapper=None)
        self.model: nn.Module = model
        self.finite: FiniteLoss
        self._raw_model = model
        self._device_type = str(model.device.type)
        self._amp_dtype = amp_dtype
        self._log_period = log_period
        self._last_log: tuple[int, float] | None = None
        self.images_per_step = images_per_step
        scaled = amp_dtype == torch.float16
        self.grad_scaler = torch.amp.GradScaler(self._device_type) if scaled else None
        self.losses: dict[str, Tensor] = {}

    def start_phase(
        self, name: str, model: nn.Module, optimizer: Optimizer, average: WeightAverage
    ) -> None:
        """Take what a phase trains, its optimizer, and the average that each step updates.

        Args:
            name: of the phase.
            model: wrapped for distributed training or not.
            optimizer: of its weights.
            average: of its weights.
        """
        self.model, self.optimizer, self._average = model, optimizer, average
        self.finite = FiniteLoss(name, self._raw_model.device)

    def restart_data(self) -> None:
        """Take the next batch from where the loader's sampler was set to start."""
        self._last_log = None
        self._data_loader_iter = iter(self.data_loader)

    def run_step(self) -> None:
        """Run forward, backward and the optimizer's step; the device is waited for at a log only.

        Raises:
            FloatingPointError: a loss is not finite; the weights are those before its step.
        """
        start = time.perf_counter()
        batch = next(self._data_loader_iter)
        data_sec = time.perf_counter() - start

        amp = self._amp_dtype is not None
        with torch.autocast(self._device_type, self._amp_dtype, enabled=amp):
            self.losses = losses = self.model(batch)
            total = sum(losses.values())
        self.finite.note(losses, total, self.iter)
        self.optimizer.zero_grad()
        if self.grad_scaler is None:
            self.finite.guard(self.optimizer)
            total.backward()
            self.optimizer.step()
        else:
            self.grad_scaler.scale(self.finite.spoilt(total)).backward()
            self.grad_scaler.unscale_(self.optimizer)  # before gradients are clipped
            self.grad_scaler.step(self.optimizer)
            self.grad_scaler.update()
        self._average.update()
        if (self.iter + 1) % self._log_period == 0:
            self.finite.check()
            self._store(losses, total, data_sec)

    def _store(self, losses: dict[str, Tensor], total: Tensor, data_sec: float) -> None:
        """Fetch this step's numbers from the device, average them over processes, store them."""
        values = {name: value.item() for name, value in losses.items()}
        values = {"total_loss": total.item(), "data_time": data_sec, **values}
        values.update({name: value.item() for name, value in self._raw_model.watched.items()})
        gathered = comm.gather(values)
        if not comm.is_main_process():
            return
        storage = get_event_storage()
        storage.put_scalars(
            **{name: sum(part[name] for part in gathered) / len(gathered) for name in values}
        )
        storage.put_scalars(**self._settings(losses), smoothing_hint=False)
        now = time.perf_counter()
        if self._last_log is not None:
            steps, sec = self.iter - self._last_log[0], now - self._last_log[1]
            storage.put_scalar("images_per_sec", steps * self.images_per_step / sec)
        self._last_log = self.iter, now

    def _settings(self, losses: dict[str, Tensor]) -> dict[str, float]:
        """Return the learning rates, the weights of the losses, and the GPU memory used so far."""
        rates = {f"lr_{g['name']}": g["lr"] for g in self.optimizer.param_groups if "name" in g}
        weights = self._raw_model.loss_weights
        shown = {n.replace("loss_", "weight_"): weights[n] for n in losses if n in weights}
        if self._device_type == "cuda":
            shown["gpu_memory_mb"] = torch.cuda.max_memory_allocated() / 2**20
        return rates | shown

"""One optimisation step, on any device, with FastReID's loader iterator and event storage."""

import time

import torch
from fastreid.engine.train_loop import SimpleTrainer
from fastreid.utils import comm
from fastreid.utils.events import get_event_storage
from torch import Tensor, nn


class TrainStep(SimpleTrainer):
    """A step of the present phase.

    Args:
        model: returns named losses, or their tensors, in training mode.
        data_loader: endless batches on the model's device.
        amp: mixed precision: fp16 with a gradient scaler on CUDA, bf16 on a CPU.
        log_period: every how many steps the losses are brought from the device and stored.
    """

    def __init__(self, model: nn.Module, data_loader, amp: bool, log_period: int) -> None:
        super().__init__(model, data_loader, optimizer=None, param_wrapper=None)
        self._device_type = model.device.type
        self._amp_dtype = torch.float16 if self._device_type == "cuda" else torch.bfloat16
        self._amp = amp
        self._log_period = log_period
        scaled = amp and self._amp_dtype == torch.float16
        self.grad_scaler = torch.amp.GradScaler(self._device_type) if scaled else None
        self.phase_name = ""

    def restart_data(self) -> None:
        """Take the next batch from where the loader's sampler has been set to start."""
        self._data_loader_iter = iter(self.data_loader)

    def run_step(self) -> None:
        """Forward, backward, step; a loss that is not finite stops the run before the step."""
        start = time.perf_counter()
        batch = next(self._data_loader_iter)
        data_sec = time.perf_counter() - start

        with torch.autocast(self._device_type, self._amp_dtype, enabled=self._amp):
            losses = self.model(batch)
            total = sum(losses.values())
        if not torch.isfinite(total):
            terms = ", ".join(f"{name} {value.item():g}" for name, value in losses.items())
            raise FloatingPointError(
                f"{self.phase_name}, step {self.iter}: the loss is not finite ({terms}); nothing "
                "was updated. Lower SOLVER.BASE_LR, or switch SOLVER.AMP.ENABLED off"
            )
        self.optimizer.zero_grad()
        if self.grad_scaler is None:
            total.backward()
            self.optimizer.step()
        else:
            self.grad_scaler.scale(total).backward()
            self.grad_scaler.step(self.optimizer)
            self.grad_scaler.update()
        if (self.iter + 1) % self._log_period == 0:
            self._store(losses, total, data_sec)

    def _store(self, losses: dict[str, Tensor], total: Tensor, data_sec: float) -> None:
        values = {name: value.item() for name, value in losses.items()}
        values = {"total_loss": total.item(), "data_time": data_sec, **values}
        gathered = comm.gather(values)
        if comm.is_main_process():
            means = {k: sum(part[k] for part in gathered) / len(gathered) for k in values}
            get_event_storage().put_scalars(**means)

"""Batches on the device of the model: whole numbers travel as bytes and become floats there."""

import time
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader

NOTICE_SEC = 5  # at most, until this process is told that a worker has ended


class DeviceLoader:
    """A DataLoader whose tensors are on ``device``, images in float32.

    On a GPU, the next batch is copied while the present one is used. If a worker process is killed,
    torch raises a RuntimeError that says so.
    """

    def __init__(self, loader: DataLoader, device: str) -> None:
        self._loader = loader
        self._device = torch.device(device)
        self.dataset = loader.dataset
        self.batch_sampler = loader.batch_sampler

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[dict]:
        moved = map(self._move, self._batches())
        yield from self._ahead(moved) if self._device.type == "cuda" else moved

    def _batches(self) -> Iterator[dict]:
        try:
            yield from self._loader
        except (ConnectionError, EOFError):
            # A worker that was killed while it handed a batch over. Torch's signal handler will say
            # so, wherever this process is by then: let that be here.
            time.sleep(NOTICE_SEC)
            raise

    def _move(self, batch: dict) -> dict:
        """Copy before converting: torch converts on the host otherwise."""
        batch = {
            key: value.to(self._device, non_blocking=True) if torch.is_tensor(value) else value
            for key, value in batch.items()
        }
        return {**batch, "images": batch["images"].float()}

    def _ahead(self, moved: Iterator[dict]) -> Iterator[dict]:
        """Yield batches that a stream of its own has moved, each one step ahead."""
        stream = torch.cuda.Stream(self._device)
        with torch.cuda.stream(stream):
            following = next(moved, None)
        while following is not None:
            present, batch = torch.cuda.current_stream(self._device), following
            present.wait_stream(stream)
            for value in batch.values():
                if isinstance(value, Tensor):
                    value.record_stream(present)  # else its memory is free for the next copy
            with torch.cuda.stream(stream):
                following = next(moved, None)
            yield batch

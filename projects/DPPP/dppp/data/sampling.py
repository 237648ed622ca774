"""The order of a run's images: each epoch is a pure function of the seed, the phase and its number.

Resuming a run exactly therefore needs the number of the epoch only, and an image's random
transforms do not depend on the number of worker processes. The exception is FastReID's random patch
(INPUT.RPT), which pastes from a pool of images that each worker fills as it reads.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from fastreid.utils import comm
from torch.utils.data import Sampler


def derive_seeds(*keys: int, count: int = 1) -> list[int]:
    """Return ``count`` seeds in [0, 2**32) that depend on all of ``keys`` (each >= 0)."""
    return np.random.SeedSequence(keys).generate_state(count).tolist()


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators, on all devices."""
    seed_cpu(seed)
    torch.manual_seed(seed)


def seed_cpu(seed: int) -> None:
    """Seed the global generators of the CPU alone, in a fiftieth of ``torch.manual_seed``'s time.

    Those of GPUs draw for the model, not for the images.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)


@contextmanager
def generators_kept() -> Iterator[None]:
    """Restore the states of the CPU's global generators after the block."""
    saved = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(saved[0])
        np.random.set_state(saved[1])
        torch.set_rng_state(saved[2])


class EpochBatches(Sampler):
    """Endless batches of ``(image index, seed of its transforms)`` for this process.

    Attributes:
        follows_model: whether an epoch's batches depend on the model as it is when it starts.

    Args:
        make_sampler: seed -> one of FastReID's samplers, which yields this process's image indices.
        num_batches: batches in an epoch.
        batch_size: images in a batch of this process.
        seed: the run's.
    """

    follows_model = False

    def __init__(
        self,
        make_sampler: Callable[[int], Sampler],
        num_batches: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self._make_sampler = make_sampler
        self._num_batches, self._batch_size, self._seed = num_batches, batch_size, seed
        self._phase = self._epoch = 0

    def start_at(self, phase: int, epoch: int) -> None:
        """Set where the next iterator starts: the number of the phase, and the epoch within it."""
        self._phase, self._epoch = phase, epoch

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for epoch in itertools.count(self._epoch):
            yield from self._batches(epoch)

    def _batches(self, epoch: int) -> Iterator[list[tuple[int, int]]]:
        count = self._num_batches * self._batch_size
        (order_seed,) = derive_seeds(self._seed, self._phase, epoch)
        image_seeds = derive_seeds(self._seed, self._phase, epoch, comm.get_rank(), count=count)
        # FastReID's samplers draw from the global generators while iterating: take a whole epoch.
        with generators_kept():
            seed_cpu(order_seed)
            indices = list(itertools.islice(self._make_sampler(order_seed), count))
        items = list(zip(map(int, indices), image_seeds, strict=True))
        for start in range(0, count, self._batch_size):
            yield items[start : start + self._batch_size]

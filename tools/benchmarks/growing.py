"""How cost grows with the amount of work: time, memory, and the exponent between neighbors."""

import math
import statistics
import weakref
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.measuring import Table, timed

SLOW_SEC = 5.0  # what takes longer is timed once


def measure_growth(
    prepare: Callable[[int], Callable[[], object]],
    sizes: Sequence[int],
    *,
    title: str,
    unit: str,
    expected: str,
    rounds: int,
    device: str = "cpu",
    with_memory: bool = False,
) -> Table:
    """Time the same work in several sizes, in turn.

    Args:
        prepare: size -> what does the work once.
        sizes: in ascending order.
        title: what was done.
        unit: of the size, in the plural.
        expected: said under the table: the exponents that the work should have, and why.
        rounds: how often each size is timed; the first run counts only if it is slow.
        device: where the work is done.
        with_memory: whether the peak memory of tensors is counted.
    """
    runs = [prepare(size) for size in sizes]
    headers, columns = [unit, "seconds", "exponent"], [_medians(runs, rounds, device)]
    if with_memory:
        headers += ["peak MiB of tensors", "exponent"]
        columns.append([_peak_mib(run) for run in runs])
    rows = [[f"{size:,}"] for size in sizes]
    for costs in columns:
        for row, cost, exponent in zip(rows, costs, exponents(sizes, costs), strict=True):
            row += [f"{cost:.3g}", exponent]
    return Table(title=title, headers=headers, rows=rows, notes=[f"Expected: {expected}."])


def exponents(sizes: Sequence[int], costs: Sequence[float]) -> list[str]:
    """Return k of cost ~ size^k from each size's predecessor to it; the first has none."""
    steps = pairwise(zip(sizes, costs, strict=True))
    return ["", *(f"{math.log(c / b) / math.log(n / m):.2f}" for (m, b), (n, c) in steps)]


class PeakMemory(TorchDispatchMode):
    """Counts the tensors that operations return, while they live.

    What a kernel allocates for itself is not seen.

    Attributes:
        peak: bytes, the most at any moment.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._now = 0
        self._known: weakref.WeakSet = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._add(leaf.untyped_storage())
        return result

    def _add(self, storage: Any) -> None:
        if storage in self._known:
            return
        self._known.add(storage)
        self._now += storage.nbytes()
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._forget, storage.nbytes())

    def _forget(self, size: int) -> None:
        self._now -= size


def _medians(runs: Sequence[Callable[[], object]], rounds: int, device: str) -> list[float]:
    firsts = [timed(run, device) for run in runs]
    seconds: list[list[float]] = [[first] if first > SLOW_SEC else [] for first in firsts]
    for _ in range(rounds):
        for run, first, times in zip(runs, firsts, seconds, strict=True):
            if first <= SLOW_SEC:
                times.append(timed(run, device))
    return [statistics.median(times) for times in seconds]


def _peak_mib(run: Callable[[], object]) -> float:
    with PeakMemory() as memory:
        run()
    return memory.peak / 2**20

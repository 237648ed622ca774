"""Time several ways of doing the same work, in turn, beside a reference and a limit.

A machine is never as fast as it was an hour ago, so only figures of one run are compared: each
round runs every way once, and the median of the rounds counts.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import torch
from tabulate import tabulate
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of doing the work.

    Attributes:
        name: in the table.
        run: does the work once.
        flops: arithmetic of one run, if it is counted.
        is_slow: takes minutes, so it is timed in the first round alone, and not run before.
    """

    name: str
    run: Callable[[], object]
    flops: float | None = None
    is_slow: bool = False


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What the machine could do at best.

    Attributes:
        name: what was measured.
        rate: units of work a second; FLOP/s if ways state their arithmetic.
    """

    name: str
    rate: float


@dataclass(kw_only=True)
class Timing:
    """How long one way took.

    Attributes:
        name: of the way.
        seconds: of each round.
        rate: units of work a second, at the median.
        ratio: rate over the reference's.
        share: of the limit, 0..1; None without a limit.
    """

    name: str
    seconds: list[float]
    rate: float
    ratio: float = 1.0
    share: float | None = None


@dataclass(kw_only=True)
class Table:
    """One table of a benchmark, as it is printed.

    Attributes:
        title: what was done, with sizes and number format.
        headers: of the columns.
        rows: a cell for each column; the first names the row.
        notes: printed under the table.
    """

    title: str
    headers: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        align = ("left", *["right"] * (len(self.headers) - 1))
        table = tabulate(
            self.rows, self.headers, tablefmt="pipe", disable_numparse=True, colalign=align
        )
        return "\n\n".join([f"**{self.title}**", table, *self.notes])


@dataclass(kw_only=True)
class Comparison:
    """Ways of doing the same work, with their times.

    Attributes:
        title: what was done, with sizes and number format.
        unit: of the work, in the plural.
        reference: name of the way that has ratio 1.
        timings: one for each way.
        limit: if one was measured.
        notes: printed under the table.
    """

    title: str
    unit: str
    reference: str
    timings: list[Timing]
    limit: Limit | None = None
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        share = [f"of {self.limit.name}"] if self.limit else []
        rows = [
            [t.name, f"{t.rate:.3g}", f"{t.ratio:.2f}", _spread(t.seconds)]
            + ([_percent(t.share)] if self.limit else [])
            for t in self.timings
        ]
        headers = ["", f"{self.unit} a second", f"times {self.reference}", "spread", *share]
        return str(Table(title=self.title, headers=headers, rows=rows, notes=self.notes))


def compare(
    ways: Sequence[Way],
    *,
    title: str,
    unit: str,
    work: float,
    rounds: int,
    limit: Limit | None = None,
    device: str = "cpu",
) -> Comparison:
    """Time all ways in turn; the first is the reference.

    Args:
        ways: each that is not slow is run once before anything is timed.
        title: see ``Comparison``.
        unit: see ``Comparison``.
        work: units in one run.
        rounds: how often each way that is not slow is timed.
        limit: units of work a second, or FLOP a second for ways that state their arithmetic.
        device: where the work is done, waited for before a time is taken.
    """
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    quick = [way for way in ways if not way.is_slow]
    for way in quick:
        timed(way.run, device)
    for number in range(rounds):
        for way in quick if number else ways:
            seconds[way.name].append(timed(way.run, device))
    timings = [
        Timing(
            name=way.name,
            seconds=seconds[way.name],
            rate=work / statistics.median(seconds[way.name]),
        )
        for way in ways
    ]
    for way, timing in zip(ways, timings, strict=True):
        timing.ratio = timing.rate / timings[0].rate
        if limit is not None:
            done = timing.rate if way.flops is None else timing.rate * way.flops / work
            timing.share = done / limit.rate
    return Comparison(title=title, unit=unit, reference=ways[0].name, timings=timings, limit=limit)


def timed(run: Callable[[], object], device: str = "cpu") -> float:
    """Return the seconds of one run, until the device has done it."""
    _wait(device)
    start = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - start


def count_flops(run: Callable[[], object]) -> float:
    """Return the arithmetic of one run, matrix products and convolutions, by torch's counter."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def matmul_limit(
    dtype: torch.dtype, device: str, *, tokens: int = 2048, width: int = 768, rounds: int = 5
) -> Limit:
    """Measure the rate of the products of a Transformer's perceptron, the best of the rounds.

    Args:
        dtype: of both factors.
        device: where.
        tokens: rows of the left factor.
        width: of a token; the right factor is (width, 4 * width).
        rounds: how many are timed.
    """
    left = torch.randn(tokens, width, device=device, dtype=dtype)
    right = torch.randn(width, 4 * width, device=device, dtype=dtype)
    timed(lambda: left @ right, device)
    best = min(timed(lambda: [left @ right for _ in range(10)], device) for _ in range(rounds))
    rate = 10 * 2 * tokens * width * 4 * width / best
    name = f"{rate / 1e9:,.0f} GFLOP/s"
    return Limit(name=f"{name} ({str(dtype).removeprefix('torch.')} matrix products)", rate=rate)


def machine(device: str = "cpu") -> str:
    """Return what a figure belongs to: day, processor, threads, torch."""
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor()
    return (
        f"{date.today().isoformat()}, {name}, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}"
    )


def report(tables: Sequence[Comparison | Table], output: Path | None, device: str = "cpu") -> None:
    """Print the tables, and write them as JSON if there is an ``output``."""
    print(machine(device))
    for table in tables:
        print(f"\n{table}")
    if output is not None:
        content = {"machine": machine(device), "tables": [asdict(table) for table in tables]}
        output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _spread(seconds: Sequence[float]) -> str:
    """Return the range of the times, as a share of the median."""
    if len(seconds) == 1:
        return "one run"
    middle = statistics.median(seconds)
    return f"{100 * (min(seconds) / middle - 1):+.0f} to {100 * (max(seconds) / middle - 1):+.0f} %"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"

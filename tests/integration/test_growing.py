"""What tools/benchmark.py grow computes from its measurements."""

import pytest
import torch

from benchmarks.growing import PeakMemory, exponents, measure_growth


def test_exponents() -> None:
    assert exponents([1, 10, 20], [3.0, 3000.0, 6000.0]) == ["", "3.00", "1.00"]


def test_peak_memory_counts_what_lives_at_once() -> None:
    x = torch.ones(256)
    with PeakMemory() as memory:
        y = x + 1
        z = y.view(16, 16) * 2  # a view is no memory of its own
        del y
        z = z + z
    assert memory.peak == 2 * x.nbytes


@pytest.mark.parametrize("with_memory", [False, True])
def test_a_table_of_growth(*, with_memory: bool) -> None:
    table = measure_growth(
        lambda size: lambda: torch.ones(size, size).sum(),
        [64, 256],
        title="Squares",
        unit="rows",
        expected="2",
        rounds=1,
        with_memory=with_memory,
    )
    assert table.headers[:3] == ["rows", "seconds", "exponent"]
    assert [row[0] for row in table.rows] == ["64", "256"]
    assert [row[4] for row in table.rows if with_memory] == (["", "2.00"] if with_memory else [])

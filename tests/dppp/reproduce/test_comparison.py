"""Differences seed by seed, and their uncertainty."""

import numpy as np
from scipy import stats

from dppp.reproduce.comparison import paired
from dppp.reproduce.measuring import Measured

TEST = "GenePersonTwinsShifted"


def measured(*values: float) -> Measured:
    return Measured({TEST: {"mAP": list(values)}})


def test_the_difference_is_taken_seed_by_seed() -> None:
    with_it, without = (50.0, 61.0, 39.0, 55.0), (48.0, 60.0, 40.0, 50.0)
    text = paired(measured(*with_it), measured(*without), TEST)
    assert text.startswith("+1.75, better in 3 of 4 seeds")
    assert f"p = {stats.ttest_rel(with_it, without).pvalue:.3f}" in text


def test_the_interval_by_its_formula() -> None:
    """Mean +- t * s / sqrt(n), t of n - 1 degrees of freedom."""
    first, second = (50.0, 61.0, 39.0, 55.0, 52.0), (48.0, 60.0, 40.0, 50.0, 51.5)
    differences = np.subtract(first, second)
    half = stats.t.ppf(0.975, 4) * differences.std(ddof=1) / np.sqrt(5)
    low, high = differences.mean() - half, differences.mean() + half
    assert low < 0 < high
    text = paired(measured(*first), measured(*second), TEST)
    assert f", 95 % interval {low:+.2f} to {high:+.2f}, p = " in text


def test_a_difference_without_spread_has_no_interval() -> None:
    assert paired(measured(2.0, 3.0), measured(1.0, 2.0), TEST) == "+1.00, better in 2 of 2 seeds"
    far = paired(measured(50.0, 51.0, 50.5, 50.0), measured(1.0, 1.1, 1.2, 1.0), TEST)
    assert far.endswith("p < 0.001")


def test_what_is_missing_is_not_compared() -> None:
    assert paired(Measured(), measured(1.0), TEST) == "not available"
    assert paired(measured(2.0), measured(1.0), TEST) == "+1.00, better in 1 of 1 seeds"

"""Rows that are compared seed by seed: what each costs, and the effect with its uncertainty."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import ttest_rel
from tabulate import tabulate

from ..config import load_config
from . import runs
from .compute import flops_until
from .epochs import epochs_of_both_phases, with_epochs
from .measuring import Measured, measure, settings_of
from .paper import AFTER_PHASE_1, AFTER_PHASE_2, MARKET, Row, Scores
from .request import Request
from .testbeds import Testbed

SCORES = ("Rank-1", "Rank-5", "mAP")
PAIRED = (
    "The interval holds the mean effect with 95 % confidence, p is of a paired t-test, each by "
    "itself. Seeds vary the training, not the data."
)  # how to read `paired`
_TERA = 1e12


@dataclass(frozen=True, kw_only=True)
class ComparedRow(Row):
    """A row without a number in the paper.

    Attributes:
        settings: ``KEY VALUE ...`` on top of its config.
        both_phases: phase 1 takes the epochs of both phases, and phase 2 none.
        compute_of: config under configs/DPPP; phase 1, the only one, takes the epochs with which
            it comes nearest to the training compute of both phases of that config.
        against: labels of the rows that it is compared with.
    """

    paper: dict[str, Scores] = dataclasses.field(default_factory=lambda: {MARKET: {}})
    settings: tuple[str, ...] = ()
    both_phases: bool = False
    compute_of: str = ""
    against: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A row's scores and what its training took, up to the row's stage.

    Attributes:
        measured: its scores.
        epochs: of phases 1 and 2; empty if a training set is missing.
        flops: floating-point operations of the training; None if a training set is missing.
    """

    measured: Measured
    epochs: tuple[int, ...] = ()
    flops: float | None = None

    def length(self) -> str:
        """Return the epochs, "4 + 3" for two phases."""
        return " + ".join(map(str, self.epochs)) or "-"

    def cost(self) -> str:
        """Return the operations in TFLOP."""
        return "-" if self.flops is None else f"{self.flops / _TERA:,.1f}"


def compare(rows: Sequence[ComparedRow], testbed: Testbed, request: Request) -> dict[str, Outcome]:
    """Return label -> outcome, training missing runs if the request says so.

    Raises:
        UserError: settings that cannot be used.
    """
    return {row.label: _outcome(row, testbed, request) for row in rows}


def grid(outcomes: Mapping[str, Outcome], tests: Sequence[str]) -> str:
    """Return the scores of all rows, their epochs and their compute as a Markdown table."""
    columns = [(test, score) for test in tests for score in SCORES]
    lines = [
        [label, *(row.measured.cell(*column) for column in columns), row.length(), row.cost()]
        for label, row in outcomes.items()
    ]
    headers = ["", *(f"{test} {score}" for test, score in columns), "epochs", "training, TFLOP"]
    return tabulate(lines, headers=headers, tablefmt="pipe", disable_numparse=True)


def effects(
    rows: Sequence[ComparedRow], outcomes: Mapping[str, Outcome], tests: Sequence[str]
) -> str:
    """Return a line for each row and each that it is compared with, the latter in order."""
    lines = []
    for base in rows:
        for row in rows:
            if base.label not in row.against:
                continue
            better, other = outcomes[row.label], outcomes[base.label]
            took = (
                f"epochs {better.length()} against {other.length()}, "
                f"TFLOP {better.cost()} against {other.cost()}"
            )
            lines += [
                f"- mAP on {test}, {row.label} against {base.label}: "
                f"{paired(better.measured, other.measured, test)}; {took}\n"
                for test in tests
            ]
    return "".join(lines) + (
        f"\n{PAIRED} TFLOP: 10^12 operations of matrix products and convolutions in all training "
        "steps.\n"
    )


def paired(better: Measured, base: Measured, test: str, score: str = "mAP") -> str:
    """Return the mean difference over the seeds, its 95 % interval, and the paired t-test's p.

    A row with fewer seeds than the other has its first ones.
    """
    first, second = (m.scores.get(test, {}).get(score, []) for m in (better, base))
    num_seeds = min(len(first), len(second))
    if num_seeds == 0:
        return "not available"
    first, second = first[:num_seeds], second[:num_seeds]
    differences = [a - b for a, b in zip(first, second, strict=True)]
    mean, num_better = statistics.fmean(differences), sum(d > 0 for d in differences)
    text = f"{mean:+.2f}, better in {num_better} of {len(differences)} seeds"
    if len(set(differences)) < 2:  # one seed, or no spread to judge the mean by
        return text
    result = ttest_rel(first, second)
    low, high = result.confidence_interval(0.95)
    shown = "p < 0.001" if result.pvalue < 0.001 else f"p = {result.pvalue:.3f}"
    return f"{text}, 95 % interval {low:+.2f} to {high:+.2f}, {shown}"


def content(outcomes: Mapping[str, Outcome]) -> dict[str, object]:
    """Return the same as plain data, for the JSON file of a report."""
    rows = {
        label: {
            "scores": row.measured.scores,
            "commands": row.measured.commands,
            "epochs": row.epochs,
            "training_flop": row.flops,
        }
        for label, row in outcomes.items()
    }
    return {"unit": "percent", "rows": rows}


def _outcome(row: ComparedRow, testbed: Testbed, request: Request) -> Outcome:
    try:
        request = dataclasses.replace(request, opts=(*request.opts, *row.settings))
        longer = (*request.opts, *_length(row, testbed, request))
        request = dataclasses.replace(request, opts=longer)
        config_file, opts = settings_of(row.config, testbed, request)
        cfg = load_config(str(config_file), opts)
        flops = flops_until(cfg, row.stage)
    except runs.NotAvailableError as error:
        return Outcome(measured=Measured(missing={"": str(error)}))
    num_phases = 1 if row.stage == AFTER_PHASE_1 else 2
    return Outcome(
        measured=measure(row, testbed, request),
        epochs=tuple(cfg.SOLVER.PHASE_EPOCHS[:num_phases]),
        flops=flops,
    )


def _length(row: ComparedRow, testbed: Testbed, request: Request) -> list[str]:
    """Return the settings of a row that trains for longer than its config says."""
    config_file, opts = settings_of(row.config, testbed, request)
    if row.both_phases:
        return epochs_of_both_phases(config_file, opts)
    if not row.compute_of:
        return []
    other_file, other_opts = settings_of(row.compute_of, testbed, request)
    goal = flops_until(load_config(str(other_file), other_opts), AFTER_PHASE_2)
    once = with_epochs(config_file, opts, 1, 0)
    per_epoch = flops_until(load_config(str(config_file), [*opts, *once]), row.stage)
    return with_epochs(config_file, opts, max(round(goal / per_epoch), 1), 0)

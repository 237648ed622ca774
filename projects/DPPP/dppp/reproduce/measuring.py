"""The scores of one row, collected over its seeds."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import runs
from .checkout import CONFIGS
from .paper import Row
from .request import Request
from .testbeds import Testbed


@dataclass
class Measured:
    """What the runs of one row gave.

    Attributes:
        scores: test set -> score -> percentages, one per seed.
        missing: test set -> why there is no number; the key "" is for all of them.
        commands: what was or would be run.
    """

    scores: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    def reason(self, test: str) -> str:
        """Return why a test set has no number."""
        return self.missing.get(test) or self.missing.get("", "not in DATASETS.TESTS")

    def num_seeds(self, test: str) -> int:
        """Return over how many seeds a test set was measured."""
        return max(map(len, self.scores.get(test, {}).values()), default=0)

    def cell(self, test: str, score: str) -> str:
        """Return the text of one cell: mean and deviation over the seeds, or the reason."""
        values = self.scores.get(test, {}).get(score)
        if not values:
            return f"not available: {self.reason(test)}"
        mean = f"{statistics.fmean(values):.1f}"
        return f"{mean} ± {statistics.stdev(values):.1f}" if len(values) > 1 else mean


def settings_of(config: str, testbed: Testbed, request: Request) -> tuple[Path, list[str]]:
    """Return the config file and ``KEY VALUE ...`` of a row's runs, without the seed.

    Args:
        config: the row's, under configs/DPPP.
        testbed: where it is trained and tested.
        request: whose settings are added.
    """
    own = runs.row_opts(config) if testbed.base else []
    return CONFIGS / (testbed.base or config), [*own, *request.opts, *testbed.opts]


def measure(row: Row, testbed: Testbed, request: Request) -> Measured:
    """Collect the scores of one row, training missing runs if the request says so.

    Raises:
        UserError: settings that cannot be used.
    """
    measured = Measured()
    for seed in range(request.num_seeds):
        config_file, opts = settings_of(row.config, testbed, request)
        run = runs.plan_run(config_file, [*opts, "SEED", str(seed)], request.runs_dir)
        measured.commands.append(run.shown_command())
        try:
            summary = runs.ensure(run, train=request.train)
        except runs.NotAvailableError as error:
            measured.scores.clear()  # a mean over fewer seeds than asked for is not printed
            measured.missing[""] = str(error)
            return measured
        _add(measured, summary, row.stage)
    for test in [test for test in measured.scores if test in measured.missing]:
        del measured.scores[test]  # nor a mean over the seeds that happened to have this test set
    return measured


def _add(measured: Measured, summary: dict[str, Any], stage: str) -> None:
    for name in summary["not_available"]:
        measured.missing[name] = name
    for test, stages in summary["results_percent"].items():
        if stage not in stages:
            measured.missing[test] = f"the run has no model {stage}"
            continue
        for score, value in stages[stage].items():
            measured.scores.setdefault(test, {}).setdefault(score, []).append(value)

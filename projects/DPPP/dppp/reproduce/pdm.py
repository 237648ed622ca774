"""What PDM adds: the same data, encoder and number of epochs with and without it, seed by seed."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from scipy.stats import ttest_rel
from tabulate import tabulate

from ..config import load_config
from ..errors import UserError
from .checkout import CONFIGS
from .measuring import Measured, measure
from .paper import AFTER_PHASE_1, AFTER_PHASE_2, MARKET, Row, Scores, Table
from .report import made_by, write_report
from .request import Request
from .testbeds import choose_testbed

PDM = "pdm"
_SCORES = ("Rank-1", "Rank-5", "mAP")


def _row(label: str, config: str, stage: str) -> Row:
    paper: dict[str, Scores] = {MARKET: {}}  # the paper has no such row
    return Row(label=label, config=f"ablations/{config}.yml", stage=stage, paper=paper)


_WITHOUT = _row("without PDM, epochs of phase 1", "baseline", AFTER_PHASE_1)
_LONGER = _row("without PDM, epochs of both phases", "baseline", AFTER_PHASE_1)
_WITH = (
    _row("with PDM, after phase 1", "table4_e", AFTER_PHASE_1),
    _row("with PDM, after phase 2, v_c = P_s(v_g)", "projector_literal", AFTER_PHASE_2),
    _row("with PDM, after phase 2, v_c = v_g + P_s(v_g)", "projector_residual", AFTER_PHASE_2),
)
_TABLE = Table(title="", scores=_SCORES, rows=(_WITHOUT, _LONGER, *_WITH))


def pdm_report(request: Request) -> str:
    """Compare ID and triplet loss alone ("without PDM") with the whole of PDM, as Markdown.

    The paired t-test asks whether the mean difference over the seeds could be chance.

    Raises:
        UserError: settings that cannot be used.
    """
    testbed = choose_testbed(request.testbed, _TABLE)
    longer = epochs_of_both_phases(CONFIGS / (testbed.base or "vit_b16.yml"), request.opts)
    longer_request = dataclasses.replace(request, opts=(*request.opts, *longer))
    measured = {
        row.label: measure(row, testbed, longer_request if row is _LONGER else request)
        for row in _TABLE.rows
    }
    tests = [test for _, test in testbed.tests]
    text = _markdown(measured, tests)
    for base in (_WITHOUT.label, _LONGER.label):
        for row in _WITH:
            text += "".join(
                f"- mAP on {test}, {row.label} against {base}: "
                f"{paired(measured[row.label], measured[base], test)}\n"
                for test in tests
            )
    text += "\np: paired t-test, each by itself. Seeds vary the training, not the data.\n"
    text += made_by(request)
    if request.output is not None:
        rows = {
            label: {"scores": m.scores, "commands": m.commands} for label, m in measured.items()
        }
        write_report(request.output, text, {"unit": "percent", "rows": rows})
    return text


def paired(better: Measured, base: Measured, test: str, score: str = "mAP") -> str:
    """Return the mean difference over the seeds, how often it is positive, and the t-test's p."""
    first, second = (m.scores.get(test, {}).get(score, []) for m in (better, base))
    if not first or not second:
        return "not available"
    differences = [a - b for a, b in zip(first, second, strict=True)]
    mean, num_better = statistics.fmean(differences), sum(d > 0 for d in differences)
    text = f"{mean:+.1f}, better in {num_better} of {len(differences)} seeds"
    if len(set(differences)) < 2:  # one seed, or no spread to judge the mean by
        return text
    p = ttest_rel(first, second).pvalue
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"{text}, standard deviation {statistics.stdev(differences):.1f}, {shown}"


def epochs_of_both_phases(config: Path, opts: Sequence[str]) -> list[str]:
    """Return settings that give phase 1 the epochs of both, with its learning rate steps scaled."""
    solver = load_config(str(config), list(opts)).SOLVER
    first, second = solver.PHASE_EPOCHS
    if first < 1:
        raise UserError(f"SOLVER.PHASE_EPOCHS is {(first, second)}; phase 1 needs an epoch or more")
    steps = [round(step * (first + second) / first) for step in solver.STEPS]
    return ["SOLVER.PHASE_EPOCHS", f"({first + second}, 0)", "SOLVER.STEPS", str(steps)]


def _markdown(measured: Mapping[str, Measured], tests: Sequence[str]) -> str:
    headers = ["", *(f"{test} {score}" for test in tests for score in _SCORES)]
    lines = [
        [label, *(row.cell(test, score) for test in tests for score in _SCORES)]
        for label, row in measured.items()
    ]
    grid = tabulate(lines, headers=headers, tablefmt="pipe", disable_numparse=True)
    return f"## What PDM adds to ID and triplet loss\n\n{grid}\n\n"

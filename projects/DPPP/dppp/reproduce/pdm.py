"""What PDM adds: the same data, encoder and number of epochs with and without it, seed by seed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from ..config import load_config
from ..errors import UserError
from . import runs
from .paper import AFTER_PHASE_1, AFTER_PHASE_2, MARKET, Row, Scores, Table
from .report import Measured
from .tables import check_output, check_seeds, choose_world, made_by, measure, write

GAIN = "pdm"
_SCORES = ("Rank-1", "Rank-5", "mAP")
_TESTS: dict[str, Scores] = {MARKET: {}}
_WITHOUT = Row("without PDM, epochs of phase 1", "ablations/baseline.yml", AFTER_PHASE_1, _TESTS)
_LONGER = Row("without PDM, epochs of both phases", "ablations/baseline.yml", AFTER_PHASE_1, _TESTS)
_PHASE_1 = Row("with PDM, after phase 1", "ablations/table4_e.yml", AFTER_PHASE_1, _TESTS)
_LITERAL, _RESIDUAL = (
    Row(
        f"with PDM, after phase 2, {formula}",
        f"ablations/projector_{name}.yml",
        AFTER_PHASE_2,
        _TESTS,
    )
    for name, formula in (("literal", "v_c = P_s(v_g)"), ("residual", "v_c = v_g + P_s(v_g)"))
)
_WITH = (_PHASE_1, _LITERAL, _RESIDUAL)
_ROWS = (_WITHOUT, _LONGER, *_WITH)


def gain(
    name: str,
    world: str,
    *,
    num_seeds: int,
    runs_dir: Path,
    train: bool,
    output: Path | None,
    opts: Sequence[str],
) -> str:
    """Compare ID and triplet loss alone ("without PDM") with the whole of PDM.

    The paired t-test asks whether the mean difference over the seeds could be chance.

    Args, returns, raises: as of `reproduce.table`.
    """
    check_seeds(num_seeds)
    check_output(output)
    where = choose_world(world, Table("", _SCORES, _ROWS))
    config = where.base or "vit_b16.yml"
    longer = both_phases(runs.CONFIGS / config, opts)
    found = {
        row.label: measure(
            row,
            where,
            range(num_seeds),
            runs_dir.resolve(),
            train,
            [*opts, *longer] if row is _LONGER else opts,
        )
        for row in _ROWS
    }
    tests = [ours for _, ours in where.tests]
    text = _markdown(found, tests)
    for base in (_WITHOUT.label, _LONGER.label):
        for row in _WITH:
            text += "".join(
                f"- mAP on {test}, {row.label} against {base}: "
                f"{paired(found[row.label], found[base], test)}\n"
                for test in tests
            )
    text += "\np: paired t-test, each by itself. Seeds vary the training, not the data.\n"
    text += made_by(name, world, num_seeds, opts)
    if output is not None:
        rows = {label: {"scores": m.scores, "commands": m.commands} for label, m in found.items()}
        write(output, text, {"unit": "percent", "rows": rows})
    return text


def paired(one: Measured, other: Measured, test: str, score: str = "mAP") -> str:
    """Mean difference over the seeds, in how many it is positive, and the paired t-test's p."""
    from scipy.stats import ttest_rel

    first, second = (m.scores.get(test, {}).get(score, []) for m in (one, other))
    if not first or not second:
        return "not available"
    differences = [a - b for a, b in zip(first, second, strict=True)]
    mean, better = statistics.fmean(differences), sum(d > 0 for d in differences)
    text = f"{mean:+.1f}, better in {better} of {len(differences)} seeds"
    if len(set(differences)) < 2:  # one seed, or no spread to judge the mean by
        return text
    p = ttest_rel(first, second).pvalue
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"{text}, standard deviation {statistics.stdev(differences):.1f}, {shown}"


def both_phases(config: Path, opts: Sequence[str]) -> list[str]:
    """Settings that give phase 1 the epochs of both, its learning rate steps stretched with it."""
    solver = load_config(str(config), list(opts)).SOLVER
    first, second = solver.PHASE_EPOCHS
    if first < 1:
        raise UserError(f"SOLVER.PHASE_EPOCHS is {(first, second)}; phase 1 needs an epoch or more")
    steps = [round(step * (first + second) / first) for step in solver.STEPS]
    return ["SOLVER.PHASE_EPOCHS", f"({first + second}, 0)", "SOLVER.STEPS", str(steps)]


def _markdown(found: dict[str, Measured], tests: Sequence[str]) -> str:
    headers = ["", *(f"{test} {score}" for test in tests for score in _SCORES)]
    lines = [
        [label, *(measured.cell(test, score) for test in tests for score in _SCORES)]
        for label, measured in found.items()
    ]
    table = tabulate(lines, headers=headers, tablefmt="pipe", disable_numparse=True)
    return f"## What PDM adds to ID and triplet loss\n\n{table}\n\n"

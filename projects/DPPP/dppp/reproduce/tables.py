"""From a table's name to its runs and to the report."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..files import whole_file
from . import runs
from .paper import MARKET, TABLES, Row, Table
from .report import Measured, markdown, to_json


@dataclass(frozen=True)
class World:
    """Where a table is made.

    Attributes:
        base: config under configs/DPPP that the rows' keys are added to; empty takes the rows'
            own configs, which name the paper's data sets.
        tests: (the paper's test set, the one that takes its place).
    """

    base: str
    tests: tuple[tuple[str, str], ...]


_EMBEDDED = World("quickstart.yml", ((MARKET, "GenePersonToyShifted"),))
_NOTE = """
The embedded world is another one: procedural people, a small CLIP, a held-out camera world in the
place of Market-1501. What can be compared with the paper is the order of the rows, not the level.
The rows' keys stand on quickstart.yml, whose projector starts from v_g (DESTYLIZATION_RESIDUAL).
"""


def table(
    name: str,
    world: str,
    *,
    num_seeds: int,
    runs_dir: Path,
    train: bool,
    output: Path | None,
    opts: Sequence[str],
) -> str:
    """Make one of the paper's tables again.

    Args:
        name: a key of `paper.TABLES`.
        world: "paper" for the paper's data sets, "embedded" for the quickstart's.
        num_seeds: runs of each row, at least 1.
        runs_dir: folder of the runs.
        train: whether runs that are missing are made; else their cells say so.
        output: Markdown file to write, with a JSON file beside it; None only returns the text.
        opts: ``KEY VALUE ...`` for every run.

    Returns:
        The table as Markdown.

    Raises:
        UserError: settings that cannot be used.
    """
    check_seeds(num_seeds)
    check_output(output)
    wanted = TABLES[name]
    where = choose_world(world, wanted)
    measured = [
        measure(row, where, range(num_seeds), runs_dir.resolve(), train, opts)
        for row in wanted.rows
    ]
    text = markdown(wanted, measured, where.tests) + "\n" + (_NOTE if where.base else "")
    text += made_by(name, world, num_seeds, opts)
    if output is not None:
        write(output, text, to_json(wanted, measured, where.tests))
    return text


def choose_world(name: str, of: Table) -> World:
    """Give the world called `name` for a table.

    Raises:
        UserError: the table compares data sets that the world does not have.
    """
    if name == "embedded":
        if of is TABLES["table3"]:
            raise UserError("table3 compares real and virtual data sets: it has no embedded world")
        return _EMBEDDED
    names = dict.fromkeys(test for row in of.rows for test in row.paper)
    return World("", tuple((test, test) for test in names))


def check_seeds(num_seeds: int) -> None:
    """Refuse a number of runs that makes no row."""
    if num_seeds < 1:
        raise UserError(f"--seeds is {num_seeds}, must be 1 or more")


def made_by(name: str, world: str, num_seeds: int, opts: Sequence[str]) -> str:
    """Give the line that says how many runs there are and how they are made."""
    command = ["python", "tools/reproduce.py", name, "--world", world, "--seeds", str(num_seeds)]
    seeds = f"{num_seeds} seeds a row, mean ± standard deviation" if num_seeds > 1 else "One seed"
    return f"\n{seeds}: `{shlex.join([*command, '--train', *opts])}`\n"


def check_output(output: Path | None) -> None:
    """Refuse a report file whose companions would take its place."""
    if output is not None and output.suffix != ".md":
        raise UserError(f"--output {output}: the name of this file must end in .md")


def write(output: Path, text: str, content: dict) -> None:
    """Write the report and its data beside it, each whole or not at all."""
    for path, written in ((output, text), (output.with_suffix(".json"), json.dumps(content))):
        with whole_file(path) as temporary:
            temporary.write_text(written, encoding="utf-8")


def measure(
    row: Row, world: World, seeds: Sequence[int], runs_dir: Path, train: bool, opts: Sequence[str]
) -> Measured:
    """Collect one row's scores over the seeds, training what is missing if asked to.

    Raises:
        UserError: settings that cannot be used.
    """
    found = Measured()
    for seed in seeds:
        if world.base:
            config_file, own = runs.CONFIGS / world.base, runs.row_opts(row.config)
        else:
            config_file, own = runs.CONFIGS / row.config, []
        run = runs.plan_run(config_file, [*own, *opts, "SEED", str(seed)], runs_dir)
        found.commands.append(run.shown_command())
        reason = runs.ensure(run, train)
        if reason is not None:
            found.scores.clear()  # a mean over fewer seeds than asked for is not printed
            found.missing[""] = reason
            return found
        _add(found, run.summary(), row.stage)
    for test in [test for test in found.scores if test in found.missing]:
        del found.scores[test]  # nor one over the seeds that happened to have this test set
    return found


def _add(found: Measured, summary: dict, stage: str) -> None:
    for name in summary["not_available"]:
        found.missing[name] = name
    for test, stages in summary["results_percent"].items():
        if stage not in stages:
            found.missing[test] = f"the run has no model {stage}"
            continue
        for score, value in stages[stage].items():
            found.scores.setdefault(test, {}).setdefault(score, []).append(value)

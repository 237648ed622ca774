"""A table of the paper beside what was measured, as Markdown and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tabulate import tabulate

from .paper import Row, Table


@dataclass
class Measured:
    """What the runs of one row gave.

    Attributes:
        scores: test set -> score -> percentages, one for each seed.
        missing: test set -> why there is no number; the key "" stands for all of them.
        commands: what was or would be run.
    """

    scores: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    def cell(self, test: str, score: str) -> str:
        """Give the text of one cell: the mean, with the deviation over seeds; or the reason."""
        values = self.scores.get(test, {}).get(score)
        if not values:
            return f"not available: {self.missing.get(test) or self.missing.get('', 'no result')}"
        mean = f"{statistics.fmean(values):.1f}"
        return f"{mean} ± {statistics.stdev(values):.1f}" if len(values) > 1 else mean


def markdown(table: Table, measured: Sequence[Measured], tests: Sequence[tuple[str, str]]) -> str:
    """Lay the paper's and the measured numbers side by side.

    Args:
        table: the paper's.
        measured: one for each of its rows.
        tests: (the paper's test set, the one measured on), in the order of the columns.
    """
    lines = []
    for row, found in zip(table.rows, measured, strict=True):
        line = [row.label]
        for of_paper, ours in tests:
            for score in table.scores:
                if of_paper not in row.paper:
                    line += ["", ""]
                else:
                    line += [_number(row, of_paper, score), found.cell(ours, score)]
        lines.append(line)
    headers = [""]
    for of_paper, ours in tests:
        for score in table.scores:
            headers += [f"{of_paper} {score}, paper", f"{ours} {score}, measured"]
    return f"## {table.title}\n\n" + tabulate(
        lines, headers=headers, tablefmt="pipe", disable_numparse=True
    )


def to_json(
    table: Table, measured: Sequence[Measured], tests: Sequence[tuple[str, str]]
) -> dict[str, object]:
    """Give the same as plain data; a number that was not measured is None, beside its reason."""
    rows = []
    for row, found in zip(table.rows, measured, strict=True):
        cells = {
            f"{ours} {score}": {
                "paper": row.paper[of_paper][score],
                "measured": found.scores.get(ours, {}).get(score),
                "not_available": None
                if found.scores.get(ours, {}).get(score)
                else found.missing.get(ours) or found.missing.get("", "no result"),
            }
            for of_paper, ours in tests
            if of_paper in row.paper
            for score in table.scores
        }
        rows.append({"label": row.label, "commands": found.commands, "cells": cells})
    return {"title": table.title, "unit": "percent", "rows": rows}


def _number(row: Row, test: str, score: str) -> str:
    value = row.paper[test].get(score)
    return "-" if value is None else f"{value:.1f}"

"""A table of the paper with the measured numbers next to the printed ones."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from .measuring import Measured, measure
from .paper import TABLES, Row, Table
from .report import made_by, write_report
from .request import Request
from .testbeds import Testbed, choose_testbed


def table_report(request: Request) -> str:
    """Return a table as Markdown, and write it if the request names an output file.

    Args:
        request: its name is a key of ``paper.TABLES``.

    Raises:
        UserError: settings that cannot be used.
    """
    table = TABLES[request.name]
    testbed = choose_testbed(request.testbed, table, request.opts)
    measured = [measure(row, testbed, request) for row in table.rows]
    text = f"{_markdown(table, measured, testbed)}\n{testbed.note}{made_by(request)}"
    if request.output is not None:
        write_report(request.output, text, _content(table, measured, testbed))
    return text


def _markdown(table: Table, rows: Sequence[Measured], testbed: Testbed) -> str:
    lines = []
    for row, measured in zip(table.rows, rows, strict=True):
        line = [row.label]
        for paper_test, test in testbed.tests:
            for score in table.scores:
                if paper_test in row.paper:
                    line += [_number(row, paper_test, score), measured.cell(test, score)]
                else:
                    line += ["", ""]
        line += [measured.cell(test, score) for test in testbed.extra for score in table.scores]
        lines.append(line)
    headers = [""]
    for paper_test, test in testbed.tests:
        for score in table.scores:
            headers += [f"{paper_test} {score}, paper", f"{test} {score}, measured"]
    headers += [f"{test} {score}, measured" for test in testbed.extra for score in table.scores]
    grid = tabulate(lines, headers=headers, tablefmt="pipe", disable_numparse=True)
    return f"## {table.title}\n\n{grid}"


def _content(table: Table, rows: Sequence[Measured], testbed: Testbed) -> dict[str, object]:
    """Return the same as plain data; a number that was not measured is None, with its reason."""
    content = []
    for row, measured in zip(table.rows, rows, strict=True):
        cells = {
            f"{test} {score}": _cell(row.paper[paper_test][score], measured, test, score)
            for paper_test, test in testbed.tests
            if paper_test in row.paper
            for score in table.scores
        }
        cells |= {
            f"{test} {score}": _cell(None, measured, test, score)
            for test in testbed.extra
            for score in table.scores
        }
        content.append({"label": row.label, "commands": measured.commands, "cells": cells})
    return {"title": table.title, "unit": "percent", "rows": content}


def _cell(paper: float | None, measured: Measured, test: str, score: str) -> dict[str, object]:
    values = measured.scores.get(test, {}).get(score)
    reason = None if values else measured.reason(test)
    return {"paper": paper, "measured": values, "not_available": reason}


def _number(row: Row, test: str, score: str) -> str:
    value = row.paper[test].get(score)
    return "-" if value is None else f"{value:.1f}"

"""Count the images of a folder in Market-1501's or ClonedPerson's layout and list every problem.

dppp-validate FOLDER

Exit status 0: no problem; 1: problems, one per line; 2: the folder is missing or has another
layout.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from .command_line import Parser, run

if TYPE_CHECKING:
    from dppp.data import DatasetReport


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments."""
    parser = Parser(description="Check a data set in Market-1501's layout, or ClonedPerson.")
    parser.add_argument(
        "folder",
        help="contains bounding_box_train, query and bounding_box_test; ClonedPerson's: train, "
        "test/query and test/gallery",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Print the report; return the exit status."""
    args = parse(arguments)
    from dppp.data import describe_dataset

    report = describe_dataset(args.folder)
    _show(report)
    return 1 if report.problems else 0


def _show(report: DatasetReport) -> None:
    """Print the counts as a table, then one line per finding."""
    from tabulate import tabulate

    rows = [
        (part, counts.images, counts.identities, counts.cameras)
        for part, counts in report.counts.items()
    ]
    print(tabulate(rows, headers=["Part", "Images", "Identities", "Cameras"], tablefmt="pipe"))
    for note in report.notes:
        print(f"note: {note}")
    for problem in report.problems:
        print(f"problem: {problem}")
    print(f"{len(report.problems)} problem(s)")


def entry() -> NoReturn:
    """Run the process's command line."""
    run(main, stopped="stopped; nothing was changed")

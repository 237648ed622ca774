#!/usr/bin/env python
"""Count a folder in Market-1501's layout and list everything that is wrong with it.

validate_dataset.py FOLDER        exit status 0: nothing wrong, 1: problems, 2: no such folder
"""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

try:
    import dppp
except ImportError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

from tabulate import tabulate

from dppp.data import DatasetReport, describe_dataset

INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other mistake: in one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        raise dppp.UserError(f"{message}; see {self.prog} --help")


def main() -> int:
    parser = _Parser(description="Check a data set in Market-1501's layout.")
    parser.add_argument("folder", help="holds bounding_box_train, query, bounding_box_test")
    try:
        report = describe_dataset(parser.parse_args().folder)
    except (dppp.UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; nothing was changed", file=sys.stderr)
        return INTERRUPTED
    show(report)
    return 1 if report.problems else 0


def show(report: DatasetReport) -> None:
    """The counts as a table, then a line for each finding."""
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be anything
    rows = [(part, c.images, c.identities, c.cameras) for part, c in report.counts.items()]
    print(tabulate(rows, headers=["Part", "Images", "Identities", "Cameras"], tablefmt="pipe"))
    for note in report.notes:
        print(f"note: {note}")
    for problem in report.problems:
        print(f"problem: {problem}")
    print(f"{len(report.problems)} problem(s)")


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python
"""Make a table of the paper, or Fig. 6, again and print it beside the paper's numbers.

"pdm" compares the method, with P_s as printed and as a residual, with ID and triplet loss alone,
seed by seed.

reproduce.py table3 | table4 | table5 | table6 | pdm | fig6
             [--train] [--world paper | embedded] [--seeds N] [--runs DIR] [--output FILE.md]
             [KEY VALUE ...]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

try:
    from dppp.command_line import Parser, run
except ImportError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

from dppp.reproduce import FIGURE, GAIN, TABLES, figure, table
from dppp.reproduce import pdm as gain


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(description="The paper's tables and Fig. 6, made again.")
    parser.add_argument("name", choices=[*TABLES, GAIN, FIGURE])
    parser.add_argument("--train", action="store_true", help="make the runs that are missing")
    parser.add_argument(
        "--world",
        choices=["paper", "embedded"],
        default="paper",
        help="the paper's data sets, or the quickstart's (default paper)",
    )
    parser.add_argument("--seeds", type=int, default=1, help="runs of each row (default 1)")
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("logs/dppp/reproduce"),
        help="folder of the runs (default logs/dppp/reproduce)",
    )
    parser.add_argument("--output", type=Path, help="file to write, .md; a .json goes beside it")
    parser.add_argument("opts", nargs="*", metavar="KEY VALUE", help="settings for every run")
    return parser.parse_intermixed_args(arguments)  # KEY VALUE may come last


def main(arguments: list[str]) -> int:
    args = parse(arguments)
    make = {FIGURE: figure, GAIN: gain}.get(args.name, table)
    text = make(
        args.name,
        args.world,
        num_seeds=args.seeds,
        runs_dir=args.runs,
        train=args.train,
        output=args.output,
        opts=args.opts,
    )
    print(text)
    return 0


if __name__ == "__main__":
    run(main, stopped="stopped; the same command goes on where it was")

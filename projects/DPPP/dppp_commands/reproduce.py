"""Reproduce a table of the paper, or Fig. 6, and print it next to the paper's numbers.

python tools/reproduce.py table3 | table4 | table5 | table6 | pdm | curves | levers | final | fig6
                          [--train] [--testbed paper | embedded] [--seeds N] [--runs DIR]
                          [--epochs N,N...] [--output FILE.md] [KEY VALUE ...]

"pdm" compares the method, with P_s as printed and as a residual, with ID and triplet loss alone,
seed by seed, at equal epochs and at equal compute. "curves" trains both for several numbers of
epochs. "levers" adds to the method, one at a time, what others found to help on unseen cameras.
"final" scores what was chosen on a world on which nothing was chosen. Needs the repository,
whose configs and tools it runs.
"""

import argparse
from pathlib import Path
from typing import NoReturn

from .arguments import at_least_one, file_name, whole_numbers
from .command_line import Parser, run

REPORTS = ("table3", "table4", "table5", "table6", "pdm", "curves", "levers", "final", "fig6")
TESTBEDS = ("paper", "embedded")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments."""
    parser = Parser(description="Reproduce the paper's tables and Fig. 6.")
    parser.add_argument("name", choices=REPORTS, help="what to reproduce")
    parser.add_argument("--train", action="store_true", help="train the runs that are missing")
    parser.add_argument(
        "--testbed",
        choices=TESTBEDS,
        default="paper",
        help="the paper's data sets, or the quickstart's (default paper)",
    )
    parser.add_argument("--seeds", type=at_least_one, default=1, help="runs per row (default 1)")
    parser.add_argument(
        "--epochs",
        type=whole_numbers,
        metavar="N,N...",
        help="curves alone: epochs of phase 1 at its points (default 2,4,8,16)",
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("logs/dppp/reproduce"),
        help="folder of the runs (default logs/dppp/reproduce)",
    )
    parser.add_argument(
        "--output",
        type=file_name(".md"),
        help="file to write (.md), with a .json of the same name",
    )
    parser.add_argument("opts", nargs="*", metavar="KEY VALUE", help="settings for every run")
    args = parser.parse_intermixed_args(arguments)  # KEY VALUE may come last
    if args.epochs and args.name != "curves":
        parser.error(
            f"--epochs: {args.name} has no learning curves; for it, set SOLVER.PHASE_EPOCHS"
        )
    return args


def main(arguments: list[str]) -> int:
    """Print the report; return the exit status."""
    args = parse(arguments)
    from dppp.reproduce import CURVE_EPOCHS, REPORTS, Request

    request = Request(
        name=args.name,
        testbed=args.testbed,
        num_seeds=args.seeds,
        runs_dir=args.runs,
        train=args.train,
        output=args.output,
        epochs=args.epochs or CURVE_EPOCHS,
        opts=tuple(args.opts),
    )
    print(REPORTS[args.name](request))
    return 0


def entry() -> NoReturn:
    """Run the process's command line."""
    run(main, stopped="stopped; run the same command again to resume")

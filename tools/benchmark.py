#!/usr/bin/env python
"""Time the parts of the package beside what else there is, and beside what the machine can do.

benchmark.py PART [--rounds N] [--output FILE.json] [options]

A part prints tables: units of work a second at the median of rounds that are taken in turn, the
ratio to a named reference of the same run, and the share of the machine's limit where one can be
measured. ``benchmark.py PART --help`` says what is compared and with which options.
"""

import argparse
import importlib
import warnings
from pathlib import Path

from dppp_commands.arguments import at_least_one
from dppp_commands.command_line import Parser, run

PARTS = {
    "train": "a training step of each phase",
    "embed": "images to features",
    "load": "batches for training",
    "search": "a large gallery, by each index",
    "precision": "test sets in fp32 and in bf16, with their scores",
    "evaluate": "ranking",
    "generate": "stage 1: drawing, cutting out, calls of networks",
    "grow": "cost against the amount of work",
}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments; a part imports what it times when it runs."""
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"{name:<10}{text}" for name, text in PARTS.items()),
    )
    parser.add_argument("part", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    part = parser.parse_args(arguments[:1]).part
    module = importlib.import_module(f"benchmarks.{part}")
    options = Parser(prog=f"benchmark.py {part}", description=module.__doc__)
    options.formatter_class = argparse.RawDescriptionHelpFormatter
    options.add_argument("--rounds", type=at_least_one, default=5, metavar="N", help="default 5")
    options.add_argument("--output", type=Path, metavar="FILE", help="write the tables as JSON")
    options.set_defaults(run=module.run)
    module.add_arguments(options)
    return options.parse_args(arguments[1:])


def main(arguments: list[str]) -> int:
    """Run one part; return the exit status."""
    args = parse(arguments)
    tables = args.run(args)
    from benchmarks.measuring import report

    report(tables, args.output)
    return 0


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    run(main, stopped="stopped")

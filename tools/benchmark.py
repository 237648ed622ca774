#!/usr/bin/env python
"""Time the parts of the package beside what else there is, and beside what the machine can do.

benchmark.py PART [--rounds N] [--output FILE.json] [options]

A part prints tables: units of work a second at the median of rounds that are taken in turn, the
ratio to a named reference of the same run, and the share of the machine's limit where one can be
measured. ``benchmark.py PART --help`` says what is compared and with which options.
"""

import argparse
import ast
import importlib
import warnings
from pathlib import Path

from benchmarks.options import PARTS
from dppp_commands.arguments import at_least_one
from dppp_commands.command_line import Parser, run


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments; what a part measures is imported when it runs."""
    parts = {add_options.__name__: add_options for add_options in PARTS}
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"{part.__name__:<10}{text}" for part, text in PARTS.items()),
    )
    parser.add_argument("part", choices=parts, metavar="PART", help=", ".join(parts))
    args = parser.parse_args(arguments[:1])
    source = Path(__file__).parent / "benchmarks" / f"{args.part}.py"
    options = Parser(
        prog=f"benchmark.py {args.part}",
        description=ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--rounds", type=at_least_one, default=5, metavar="N", help="default 5")
    options.add_argument("--output", type=Path, metavar="FILE", help="write the tables as JSON")
    parts[args.part](options)
    return options.parse_args(arguments[1:], args)


def main(arguments: list[str]) -> int:
    """Run one part; return the exit status."""
    args = parse(arguments)
    if args.part != "generate":  # which is stage 1 alone
        importlib.import_module("dppp")  # makes fastreid importable
    tables = importlib.import_module(f"benchmarks.{args.part}").run(args)
    from benchmarks.measuring import report

    report(tables, args.output)
    return 0


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    run(main, stopped="stopped")

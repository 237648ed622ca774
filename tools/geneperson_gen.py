#!/usr/bin/env python
"""Stage 1 on the command line: build, verify, preview and describe a virtual pedestrian data set.

geneperson_gen.py build --config-file F --output DIR [--identities N] [--test-identities M]
                        [--workers W] [KEY VALUE ...]
geneperson_gen.py verify DIR
geneperson_gen.py preview DIR --output FILE.png
geneperson_gen.py stats DIR
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import NoReturn

from geneperson import UserError, build, load, verify
from geneperson.preview import preview
from geneperson.stats import stats

INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other mistake: in one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = _Parser(description="Virtual pedestrian data sets from text.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser(
        "build", help="build a data set, or go on with an interrupted one"
    )
    command.add_argument("--config-file", required=True, help="YAML file of settings")
    command.add_argument("--output", required=True, help="folder of the data set")
    command.add_argument("--identities", type=int, help="training identities (IDENTITIES.TRAIN)")
    command.add_argument("--test-identities", type=int, help="held-out ones (IDENTITIES.TEST)")
    command.add_argument("--workers", type=int, default=1, help="processes that draw (default 1)")
    command.add_argument("opts", nargs="*", metavar="KEY VALUE", help="settings to override")
    command.set_defaults(run=_build)

    command = commands.add_parser("verify", help="list everything that is wrong with a data set")
    command.add_argument("directory")
    command.set_defaults(run=_verify)

    command = commands.add_parser("preview", help="draw several people in one picture")
    command.add_argument("directory")
    command.add_argument("--output", required=True, help="PNG file to write")
    command.set_defaults(run=_preview)

    command = commands.add_parser("stats", help="show counts, shares and balance")
    command.add_argument("directory")
    command.set_defaults(run=_stats)
    return parser.parse_args(arguments)


def _build(args: argparse.Namespace) -> int:
    opts = list(args.opts)
    for key, number in (
        ("IDENTITIES.TRAIN", args.identities),
        ("IDENTITIES.TEST", args.test_identities),
    ):
        if number is not None:
            opts += [key, str(number)]
    dataset = build(load(args.config_file, opts), args.output, workers=args.workers)
    identities, images = sum(dataset["identities"].values()), sum(dataset["images"].values())
    print(f"{args.output}: {identities} identities, {images} images, digest {dataset['digest']}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    problems = verify(args.directory)
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be anything
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _preview(args: argparse.Namespace) -> int:
    preview(args.directory, args.output)
    return 0


def _stats(args: argparse.Namespace) -> int:
    print(stats(args.directory), end="")
    return 0


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        args = _parse(sys.argv[1:])
        return args.run(args)
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; run the same command again to go on where it was", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

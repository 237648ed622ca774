#!/usr/bin/env python
"""Stage 1 on the command line: plan, build, verify, preview and describe a data set.

geneperson_gen.py build --config-file F --output DIR [--identities N] [--test-identities M]
                        [--workers W] [--only PID] [KEY VALUE ...]
geneperson_gen.py plan --config-file F [--identities N] [--test-identities M] [KEY VALUE ...]
geneperson_gen.py verify DIR
geneperson_gen.py preview DIR --output FILE.png
geneperson_gen.py stats DIR
geneperson_gen.py vocabulary --output FILE.json [--model NAME] [--cache DIR]
geneperson_gen.py poses --output FILE.json [--images DIR [--model NAME]] [--picture FILE.png]
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import NoReturn

from yacs.config import CfgNode

from geneperson import UserError, build, load, verify
from geneperson.dataset.preview import preview
from geneperson.dataset.stats import stats
from geneperson.pipeline.plan import plan
from geneperson.pipeline.rebuild import rebuild
from geneperson.posing.extraction import DEFAULT_MODEL as POSE_MODEL
from geneperson.posing.extraction import extract_poses
from geneperson.posing.files import save_poses
from geneperson.posing.picture import draw_poses
from geneperson.posing.skeletons import walking_poses
from geneperson.prompting.interview import make_vocabulary

INTERRUPTED = 130
CHAT_MODEL = "gpt-4o-mini"


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other mistake: in one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = _Parser(description="Virtual pedestrian data sets from text.")
    commands = parser.add_subparsers(dest="command", required=True)

    settings = _Parser(add_help=False)
    settings.add_argument("--config-file", required=True, help="YAML file of settings")
    settings.add_argument("--identities", type=int, help="training identities (IDENTITIES.TRAIN)")
    settings.add_argument("--test-identities", type=int, help="held-out ones (IDENTITIES.TEST)")
    settings.add_argument("opts", nargs="*", metavar="KEY VALUE", help="settings to override")

    command = commands.add_parser(
        "build", parents=[settings], help="build a data set, or go on with an interrupted one"
    )
    command.add_argument("--output", required=True, help="folder of the data set")
    command.add_argument("--workers", type=int, default=1, help="processes that draw (default 1)")
    command.add_argument("--only", type=int, metavar="PID", help="remake one identity of a set")
    command.set_defaults(run=_build)

    command = commands.add_parser(
        "plan", parents=[settings], help="show what a build would make, need and take"
    )
    command.set_defaults(run=_plan)

    command = commands.add_parser("verify", help="list everything that is wrong with a data set")
    command.add_argument("directory")
    command.set_defaults(run=_verify)

    command = commands.add_parser("preview", help="draw several people in one picture")
    command.add_argument("directory")
    command.add_argument("--output", required=True, help="PNG file to write")
    command.set_defaults(run=_preview)

    command = commands.add_parser("vocabulary", help="ask a chat model for the words of prompts")
    command.add_argument("--output", required=True, help="JSON file to write (VOCABULARY.FILE)")
    command.add_argument("--model", default=CHAT_MODEL, help=f"chat model (default {CHAT_MODEL})")
    command.add_argument(
        "--cache",
        default=".vocabulary_cache",
        help="folder of answers; what is there is not asked again (default .vocabulary_cache)",
    )
    command.set_defaults(run=_vocabulary)

    command = commands.add_parser("poses", help="write the built-in poses, or those in images")
    command.add_argument("--output", required=True, help="JSON file to write (POSES.FILE)")
    command.add_argument("--images", help="image or folder to find poses in")
    command.add_argument("--model", default=POSE_MODEL, help=f"detector (default {POSE_MODEL})")
    command.add_argument("--picture", help="PNG file to draw the poses into")
    command.set_defaults(run=_poses)

    command = commands.add_parser("stats", help="show counts, shares and balance")
    command.add_argument("directory")
    command.set_defaults(run=_stats)
    return parser.parse_args(arguments)


def _settings(args: argparse.Namespace) -> CfgNode:
    opts = list(args.opts)
    for key, number in (
        ("IDENTITIES.TRAIN", args.identities),
        ("IDENTITIES.TEST", args.test_identities),
    ):
        if number is not None:
            opts += [key, str(number)]
    return load(args.config_file, opts)


def _build(args: argparse.Namespace) -> int:
    cfg = _settings(args)
    if args.only is not None:
        number, written = rebuild(cfg, args.output, args.only)
        print(f"identity {args.only}: {number} images as recorded, {written} of them written")
        return 0
    dataset = build(cfg, args.output, workers=args.workers)
    identities, images = sum(dataset["identities"].values()), sum(dataset["images"].values())
    print(f"{args.output}: {identities} identities, {images} images, digest {dataset['digest']}")
    return 0


def _plan(args: argparse.Namespace) -> int:
    print(plan(_settings(args)), end="")
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


def _vocabulary(args: argparse.Namespace) -> int:
    for line in make_vocabulary(args.output, args.model, args.cache):
        print(line)
    return 0


def _poses(args: argparse.Namespace) -> int:
    poses, skipped = walking_poses(), []
    if args.images is not None:
        poses, skipped = extract_poses(args.images, args.model)
    for line in skipped:
        print(line)
    save_poses(args.output, poses)
    if args.picture is not None:
        draw_poses(poses, args.picture)
    print(f"{args.output}: {len(poses)} poses")
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

"""Stage 1 on the command line: plan, build, refine, verify, preview and describe a data set.

geneperson build --output DIR [--config-file F] [--identities N] [--test-identities M]
                 [--workers W] [--gpus N] [--shard I/N] [--executor ray [--address A]]
                 [--accept-code-change] [--only PID] [KEY VALUE ...]
geneperson refine DIR --output NEW [--config-file F] [--identities N] [--test-identities M]
                  [--workers W] [--accept-code-change] [KEY VALUE ...]
geneperson plan [--config-file F] [--identities N] [--test-identities M]
                [--gpu NAME] [--gpus N] [--workers W] [KEY VALUE ...]
geneperson verify DIR
geneperson preview DIR --output FILE.png
geneperson stats DIR
geneperson vocabulary --output FILE.json [--model NAME] [--cache DIR] [--timeout S]
geneperson poses --output FILE.json [--images DIR [--model NAME]] [--picture FILE.png]

Exit status 0: done; 1: ``verify`` found problems, or ``vocabulary`` got no words and wrote no file;
2: a mistake, in one line; 130: interrupted.
"""

from __future__ import annotations

import argparse
import io
import logging
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from yacs.config import CfgNode

from .commands.arguments import (
    Parser,
    add_build,
    add_directory,
    add_plan,
    add_poses,
    add_preview,
    add_refine,
    add_vocabulary,
)
from .config import load
from .dataset.preview import preview
from .dataset.stats import stats
from .dataset.verify import verify
from .errors import UserError
from .pipeline.build import build
from .pipeline.build_shard import build_shard
from .pipeline.crew import Resources
from .pipeline.plan import plan
from .pipeline.rebuild import rebuild
from .pipeline.refine import refine
from .pipeline.shard import Shard
from .posing.extraction import extract_poses
from .posing.files import save_poses
from .posing.picture import draw_poses
from .posing.skeletons import walking_poses
from .prompting.interview import make_vocabulary

INTERRUPTED = 130

_Action = Callable[[argparse.Namespace], int]


def build_parser() -> Parser:
    """Return the parser of all commands; ``run`` of its result is the function to call."""
    parser = Parser(description="Make and check virtual pedestrian data sets.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, action, add_arguments, summary in (
        ("build", _build, add_build, "build a data set, or resume an interrupted build"),
        ("refine", _refine, add_refine, "make another set from the canvases that a build kept"),
        ("plan", _plan, add_plan, "show what a build would make, need and take"),
        ("verify", _verify, add_directory, "list every problem of a data set"),
        ("preview", _preview, add_preview, "draw several people in one picture"),
        ("stats", _stats, add_directory, "show counts, shares and balance"),
        ("vocabulary", _vocabulary, add_vocabulary, "ask a chat model for the words of prompts"),
        ("poses", _poses, add_poses, "write the built-in poses, or those found in images"),
    ):
        command = commands.add_parser(name, help=summary, description=_sentence(summary))
        add_arguments(command)
        command.set_defaults(run=action)
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


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
    resources = Resources(
        workers=args.workers, gpus=args.gpus, executor=args.executor, address=args.address
    )
    accept = args.accept_code_change
    if args.only is not None:
        if args.shard is not None or accept or resources != Resources(workers=args.workers):
            raise UserError(
                "--only makes one identity in one process: leave out --gpus, --shard, --executor, "
                "--address and --accept-code-change"
            )
        number, written = rebuild(cfg, args.output, args.only)
        print(f"identity {args.only}: {number} images as recorded, {written} of them written")
        return 0
    if args.shard is not None:
        shard = Shard.parse(args.shard)
        number = build_shard(cfg, args.output, shard, resources, accept_code_change=accept)
        print(
            f"{args.output}: shard {shard} has {number} identities; when all shards have "
            "ended, run the same command without --shard"
        )
        return 0
    dataset = build(cfg, args.output, accept_code_change=accept, **vars(resources))
    _print_built(args.output, dataset)
    return 0


def _refine(args: argparse.Namespace) -> int:
    dataset = refine(
        _settings(args),
        args.directory,
        args.output,
        args.workers,
        accept_code_change=args.accept_code_change,
    )
    _print_built(args.output, dataset)
    return 0


def _print_built(output: str, dataset: dict[str, Any]) -> None:
    identities, images = sum(dataset["identities"].values()), sum(dataset["images"].values())
    print(f"{output}: {identities} identities, {images} images, digest {dataset['digest']}")


def _plan(args: argparse.Namespace) -> int:
    text = plan(_settings(args), gpu=args.gpu, gpus=args.gpus, workers=args.workers)
    print(text, end="")
    return 0


def _verify(args: argparse.Namespace) -> int:
    problems = verify(args.directory)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _preview(args: argparse.Namespace) -> int:
    preview(args.directory, args.output)
    return 0


def _stats(args: argparse.Namespace) -> int:
    print(stats(args.directory), end="")
    return 0


def _vocabulary(args: argparse.Namespace) -> int:
    interview = make_vocabulary(args.output, args.model, args.cache, args.timeout)
    for line in interview.lines:
        print(line)
    return 0 if interview.answered else 1


def _poses(args: argparse.Namespace) -> int:
    poses = walking_poses()
    skipped: list[str] = []
    if args.images is not None:
        poses, skipped = extract_poses(args.images, args.model)
    for line in skipped:
        print(line)
    save_poses(args.output, poses)
    if args.picture is not None:
        draw_poses(poses, args.picture)
    print(f"{args.output}: {len(poses)} poses")
    return 0


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status.

    Raises:
        UserError: a mistake in the command line, the settings or the data.
    """
    args = build_parser().parse_args(arguments)
    action: _Action = args.run
    return action(args)


def entry() -> NoReturn:
    """Run the process's command line: a mistake is one line and status 2, Ctrl-C status 130."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file may have any name
    try:
        status = main(sys.argv[1:])
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print("stopped; run the same command again to resume", file=sys.stderr)
        status = INTERRUPTED
    sys.exit(status)

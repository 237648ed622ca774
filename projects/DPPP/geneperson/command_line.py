"""Stage 1 on the command line: plan, build, verify, preview and describe a data set.

geneperson build --output DIR [--config-file F] [--identities N] [--test-identities M]
                 [--workers W] [--only PID] [KEY VALUE ...]
geneperson plan [--config-file F] [--identities N] [--test-identities M] [KEY VALUE ...]
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
from typing import NoReturn

from yacs.config import CfgNode

from .config import load
from .dataset.preview import preview
from .dataset.stats import stats
from .dataset.verify import verify
from .errors import UserError
from .pipeline.build import build
from .pipeline.plan import plan
from .pipeline.rebuild import rebuild
from .posing.extraction import DEFAULT_MODEL as POSE_MODEL
from .posing.extraction import extract_poses
from .posing.files import save_poses
from .posing.picture import draw_poses
from .posing.skeletons import walking_poses
from .prompting.interview import TIMEOUT_SEC, make_vocabulary

INTERRUPTED = 130
CHAT_MODEL = "gpt-4o-mini"

_Action = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other mistake: in one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as a UserError."""
        raise UserError(f"{message}; see {self.prog} --help")


def build_parser() -> Parser:
    """Return the parser of all commands; ``run`` of its result is the function to call."""
    parser = Parser(description="Make and check virtual pedestrian data sets.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, action, add_arguments, summary in (
        ("build", _build, _add_build, "build a data set, or resume an interrupted build"),
        ("plan", _plan, _add_settings, "show what a build would make, need and take"),
        ("verify", _verify, _add_directory, "list every problem of a data set"),
        ("preview", _preview, _add_preview, "draw several people in one picture"),
        ("stats", _stats, _add_directory, "show counts, shares and balance"),
        ("vocabulary", _vocabulary, _add_vocabulary, "ask a chat model for the words of prompts"),
        ("poses", _poses, _add_poses, "write the built-in poses, or those found in images"),
    ):
        command = commands.add_parser(name, help=summary, description=_sentence(summary))
        add_arguments(command)
        command.set_defaults(run=action)
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _add_directory(command: argparse.ArgumentParser) -> None:
    command.add_argument("directory", metavar="DIR", help="folder of the data set")


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config-file", metavar="F", help="YAML file of settings (without it: the defaults)"
    )
    command.add_argument(
        "--identities", type=int, metavar="N", help="training identities (IDENTITIES.TRAIN)"
    )
    command.add_argument(
        "--test-identities", type=int, metavar="M", help="held-out identities (IDENTITIES.TEST)"
    )
    command.add_argument("opts", nargs="*", metavar="KEY VALUE", help="settings to override")


def _add_build(command: argparse.ArgumentParser) -> None:
    _add_settings(command)
    command.add_argument("--output", required=True, metavar="DIR", help="folder of the data set")
    command.add_argument(
        "--workers", type=int, default=1, metavar="W", help="processes that draw (default 1)"
    )
    command.add_argument("--only", type=int, metavar="PID", help="remake one identity of a set")


def _add_preview(command: argparse.ArgumentParser) -> None:
    _add_directory(command)
    command.add_argument("--output", required=True, metavar="FILE", help="PNG file to write")


def _add_vocabulary(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--output", required=True, metavar="FILE", help="JSON file to write (VOCABULARY.FILE)"
    )
    command.add_argument(
        "--model", metavar="NAME", default=CHAT_MODEL, help=f"chat model (default {CHAT_MODEL})"
    )
    command.add_argument(
        "--cache",
        metavar="DIR",
        default=".vocabulary_cache",
        help="folder of answers; a cached question is not asked again (default .vocabulary_cache)",
    )
    command.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        default=TIMEOUT_SEC,
        help=f"seconds for one question with all attempts at it (default {TIMEOUT_SEC:g})",
    )


def _add_poses(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--output", required=True, metavar="FILE", help="JSON file to write (POSES.FILE)"
    )
    command.add_argument(
        "--images", metavar="DIR", help="image, or folder of images, to find poses in"
    )
    command.add_argument(
        "--model",
        metavar="NAME",
        default=POSE_MODEL,
        help=f"rtmo-s, rtmo-m, rtmo-l or an .onnx file of RTMO (default {POSE_MODEL})",
    )
    command.add_argument("--picture", metavar="FILE", help="PNG file to draw the poses into")


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

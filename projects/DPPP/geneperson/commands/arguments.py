"""The arguments of each command of stage 1."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from ..errors import UserError
from ..pipeline.crew import EXECUTORS, LOCAL
from ..pipeline.gpus import PEAK_TFLOPS
from ..pipeline.plan import DEFAULT_GPU
from ..posing.extraction import DEFAULT_MODEL as POSE_MODEL
from ..prompting.interview import TIMEOUT_SEC

CHAT_MODEL = "gpt-4o-mini"


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other mistake: in one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as a UserError."""
        raise UserError(f"{message}; see {self.prog} --help")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; overrides may follow options also where the command begins with a folder.

        argparse ends an empty list of overrides with the folder, and calls later ones unknown.
        """
        parsed, rest = self.parse_known_args(args, namespace)
        if rest and ("opts" not in parsed or any(text.startswith("--") for text in rest)):
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        if rest:
            parsed.opts += rest
        return parsed


def add_directory(command: argparse.ArgumentParser) -> None:
    """Add the folder of a data set."""
    command.add_argument("directory", metavar="DIR", help="folder of the data set")


def add_settings(command: argparse.ArgumentParser) -> None:
    """Add the configuration: a file, numbers of identities, overrides."""
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


def add_build(command: argparse.ArgumentParser) -> None:
    """Add what ``build`` takes."""
    add_settings(command)
    command.add_argument("--output", required=True, metavar="DIR", help="folder of the data set")
    add_workers(command)
    command.add_argument(
        "--gpus",
        type=int,
        default=0,
        metavar="N",
        help="processes that draw with a model, one for each GPU (default: one, the build's own)",
    )
    command.add_argument(
        "--shard",
        metavar="I/N",
        help="draw the I-th of N parts; build without --shard draws what is missing and publishes",
    )
    command.add_argument(
        "--executor",
        choices=EXECUTORS,
        default=LOCAL,
        help="where to work: on this machine, or on a Ray cluster (default local)",
    )
    command.add_argument(
        "--address", default="", metavar="A", help="of the Ray cluster, such as auto or HOST:6379"
    )
    _add_accept_code_change(command)
    command.add_argument("--only", type=int, metavar="PID", help="remake one identity of a set")


def add_plan(command: argparse.ArgumentParser) -> None:
    """Add what ``plan`` takes."""
    add_settings(command)
    command.add_argument(
        "--gpu",
        default=DEFAULT_GPU,
        metavar="NAME",
        help=f"GPU to compute with where there is none (default {DEFAULT_GPU}): "
        + ", ".join(PEAK_TFLOPS),
    )
    command.add_argument(
        "--gpus", type=int, default=0, metavar="N", help="GPUs that draw (default 1)"
    )
    add_workers(command)


def add_workers(command: argparse.ArgumentParser) -> None:
    """Add the number of worker processes."""
    command.add_argument(
        "--workers",
        type=int,
        metavar="W",
        help="processes that cut out and fuse, or draw without a model (default: by the cores)",
    )


def add_refine(command: argparse.ArgumentParser) -> None:
    """Add what ``refine`` takes."""
    add_directory(command)
    add_settings(command)
    command.add_argument("--output", required=True, metavar="NEW", help="folder of the new set")
    add_workers(command)
    _add_accept_code_change(command)


def _add_accept_code_change(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--accept-code-change",
        action="store_true",
        help="go on with what another version of the code has drawn; dataset.json records it",
    )


def add_preview(command: argparse.ArgumentParser) -> None:
    """Add what ``preview`` takes."""
    add_directory(command)
    command.add_argument("--output", required=True, metavar="FILE", help="PNG file to write")


def add_vocabulary(command: argparse.ArgumentParser) -> None:
    """Add what ``vocabulary`` takes."""
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


def add_poses(command: argparse.ArgumentParser) -> None:
    """Add what ``poses`` takes."""
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

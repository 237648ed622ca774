"""Arguments that several commands take, and kinds of values."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dppp.inference import Embedder

MAX_ROWS = 20  # of a picture
PRECISIONS = ("fp32", "bf16")


def at_least_one(text: str) -> int:
    """Read a whole number, 1 or more: a ``type`` of an argument."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number, 1 or more")
    return int(text)


def whole_numbers(text: str) -> tuple[int, ...]:
    """Read whole numbers, 1 or more, with commas between them: a ``type`` of an argument."""
    return tuple(map(at_least_one, text.split(",")))


def file_name(*suffixes: str) -> Callable[[str], Path]:
    """Return a ``type`` of an argument: the name of a file that ends in one of the suffixes."""

    def read(text: str) -> Path:
        if Path(text).suffix not in suffixes:
            raise argparse.ArgumentTypeError(
                f"{text}: the name of this file must end in {' or '.join(suffixes)}"
            )
        return Path(text)

    return read


def add_model_arguments(parser: argparse.ArgumentParser, *, device: bool = True) -> None:
    """Add ``--model``, ``--weights``, and how it runs.

    Args:
        parser: of the command.
        device: add ``--device`` and ``--precision``; an export runs on a CPU, in fp32.
    """
    parser.add_argument(
        "--model",
        required=True,
        help="checkpoint of dppp-train (.pth), config file, or a CLIP as NAME:WEIGHTS",
    )
    parser.add_argument("--weights", default="", help="checkpoint, if --model is a config file")
    if device:
        parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
        parser.add_argument(
            "--precision", choices=PRECISIONS, default="fp32", help="of the model, default fp32"
        )


def load_model(args: argparse.Namespace) -> Embedder:
    """Load the model that the arguments name."""
    from dppp.inference import load

    device, precision = getattr(args, "device", "cpu"), getattr(args, "precision", "fp32")
    return load(args.model, args.weights, device, precision)

"""The arguments by which a command line names a trained model."""

import argparse

from .embedder import Embedder
from .loading import load


def add_model_arguments(parser: argparse.ArgumentParser, *, device: bool = True) -> None:
    """Add ``--model``, ``--weights``, and ``--device`` unless the command runs on a CPU only."""
    parser.add_argument(
        "--model",
        required=True,
        help="checkpoint of dppp-train (.pth), config file, or a CLIP as NAME:WEIGHTS",
    )
    parser.add_argument("--weights", default="", help="checkpoint, if --model is a config file")
    if device:
        parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")


def load_model(args: argparse.Namespace) -> Embedder:
    """Load the model that the arguments name."""
    return load(args.model, args.weights, getattr(args, "device", "cpu"))

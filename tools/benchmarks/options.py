"""The options of each part, apart from what they measure: nothing slow is imported here."""

import argparse
from pathlib import Path

from dppp_commands.arguments import PRECISIONS, at_least_one

VIT = "configs/DPPP/vit_b16.yml"
QUICKSTART = "configs/DPPP/quickstart.yml"
STAGE_1 = ("procedural", "matting", "calls")
APPROXIMATE = ("hnsw", "ivf")
GROWING = ("ranking", "sampling", "classifier", "losses", "step", "processes")


def train(parser: argparse.ArgumentParser) -> None:
    """Add those of training steps."""
    parser.add_argument("--config-file", default=VIT, help=f"default {VIT}")
    _add_number(parser, "--batch", 16, "images")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="default fp32")
    parser.add_argument("--compile", action="store_true", help="time our compiled step too")
    _add_keys(parser)


def embed(parser: argparse.ArgumentParser) -> None:
    """Add those of embedding."""
    parser.add_argument("--model", default="ViT-B-16-quickgelu", help="default ViT-B-16-quickgelu")
    _add_number(parser, "--batch", 16, "images")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="default fp32")
    parser.add_argument("--device", default="auto", help="default auto")


def load(parser: argparse.ArgumentParser) -> None:
    """Add those of loaders."""
    parser.add_argument("--config-file", default=VIT, help=f"default {VIT}")
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="a set in Market-1501's layout; default: made here"
    )
    _add_number(parser, "--images", 1024, "made")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(256, 128), metavar=("H", "W"), help="of what is made"
    )
    _add_number(parser, "--batches", 32, "a run")
    parser.add_argument(
        "--workers", type=int, default=-1, metavar="N", help="default: as many as cores, at most 8"
    )
    _add_keys(parser)


def precision(parser: argparse.ArgumentParser) -> None:
    """Add those of evaluations in two precisions."""
    parser.add_argument("--config-file", required=True, help="of the trained model")
    _add_keys(parser, "MODEL.WEIGHTS FILE and other keys")


def search(parser: argparse.ArgumentParser) -> None:
    """Add those of search."""
    _add_number(parser, "--gallery", 100_000, "features")
    _add_number(parser, "--dim", 512, "numbers of a feature")
    _add_number(parser, "--queries", 100, "features")
    parser.add_argument("--only", choices=APPROXIMATE, help="default: both")


def evaluate(parser: argparse.ArgumentParser) -> None:
    """Add those of ranking."""
    _add_number(parser, "--queries", 3_368, "images")
    _add_number(parser, "--gallery", 15_913, "images")
    _add_number(parser, "--identities", 751, "people")
    _add_number(parser, "--cameras", 6, "cameras")
    parser.add_argument("--msmt17", action="store_true", help="memory at MSMT17's size instead")


def generate(parser: argparse.ArgumentParser) -> None:
    """Add those of stage 1."""
    parser.add_argument("--only", choices=STAGE_1, help="default: all three")
    parser.add_argument(
        "--config-file", action="append", metavar="F", help="of procedural or calls, for --only"
    )
    _add_number(parser, "--candidates", 4, "drawn")
    _add_number(parser, "--cells", 4, "cut out")
    _add_number(parser, "--batch-size", 4, "cells")
    parser.add_argument(
        "--provider", choices=("auto", "cuda", "cpu"), default="auto", help="default auto"
    )
    parser.add_argument("--model", type=Path, metavar="FILE", help="ONNX file like U2Net's")
    _add_keys(parser)
    parser.set_defaults(refuse=parser.error)


def grow(parser: argparse.ArgumentParser) -> None:
    """Add those of cost against work."""
    parser.add_argument("--only", choices=GROWING, help="default: all")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller sizes")
    parser.add_argument(
        "--config-file", default=QUICKSTART, help=f"of the steps, default {QUICKSTART}"
    )
    parser.add_argument("--device", default="auto", help="of losses and steps, default auto")


PARTS = {
    train: "a training step of each phase",
    embed: "images to features",
    load: "batches for training",
    precision: "test sets in fp32 and in bf16, with their scores",
    search: "a large gallery, by each index",
    evaluate: "ranking",
    generate: "stage 1: drawing, cutting out, calls of networks",
    grow: "cost against the amount of work",
}


def _add_number(parser: argparse.ArgumentParser, name: str, default: int, what: str) -> None:
    what = f"{what}, default {default}"
    parser.add_argument(name, type=at_least_one, default=default, metavar="N", help=what)


def _add_keys(parser: argparse.ArgumentParser, what: str = "config keys and values, last") -> None:
    parser.add_argument("opts", nargs=argparse.REMAINDER, metavar="KEY VALUE", help=what)

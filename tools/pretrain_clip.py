#!/usr/bin/env python
"""Train the package's small CLIP on generated pedestrians and their prompts.

pretrain_clip.py --output DIR [--worlds 10] [--epochs 20] [--seed 0] [--data DIR] [--workers 2]

Builds a set for each of the random camera worlds world-1, world-2 ... (those that are there are
kept), trains, checks what the model knows about held-out people in the quickstart's two worlds, and
writes DIR/MODEL.procedural.safetensors with its record (.json) and card (.md). A run that was
stopped goes on with the same command.
"""

import argparse
import platform
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

try:
    import dppp
except ImportError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

import open_clip
import torch

import geneperson
from dppp.data.catalogue import data_root
from dppp.engine import load_config
from dppp.inference.command_line import Parser, run
from dppp.inference.loading import choose_device
from dppp.pretraining import Recipe, measure, pretrain, read_pairs, write_weights

_CONFIGS = Path(__file__).resolve().parents[1] / "configs"
_TAG = "procedural"


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(description="Train the small CLIP on generated pedestrians and their prompts.")
    parser.add_argument("--output", required=True, help="folder for the checkpoint and the weights")
    parser.add_argument("--data", help="folder of the generated sets (default: the data root's)")
    parser.add_argument("--worlds", type=int, default=10, help="random camera worlds (default 10)")
    parser.add_argument("--identities", type=int, help="people in each (default: the config's)")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--batch-size", type=int, default=Recipe.batch_size)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--workers", type=int, default=2, help="processes that draw (default 2)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto (default)")
    args = parser.parse_args(arguments)
    for name in ("worlds", "epochs", "batch_size", "workers"):
        if getattr(args, name) < 1:
            raise dppp.UserError(f"--{name.replace('_', '-')} must be 1 or more")
    if args.seed < 0:
        raise dppp.UserError(f"--seed is {args.seed}; it must be 0 or more")
    return args


def main(arguments: list[str]) -> int:
    args = parse(arguments)
    data = Path(args.data) if args.data else Path(data_root(), "pretraining")
    people = ["IDENTITIES.TRAIN", str(args.identities)] if args.identities else []
    worlds = [
        _build(
            "pretraining.yml",
            data / f"world-{number:02d}",
            args.workers,
            ["DOMAIN", f"world-{number}", "SEED", str(100 + number), *people],
        )
        for number in range(1, args.worlds + 1)
    ]
    held_out = {
        name: _build(f"{config}.yml", data / config, args.workers, [])
        for name, config in (
            ("source world", "quickstart"),
            ("shifted world", "quickstart_shifted"),
        )
    }
    cfg = load_config(str(_CONFIGS / "DPPP" / "quickstart.yml"), [])
    size = tuple(cfg.INPUT.SIZE_TRAIN)
    mean, std = torch.tensor(cfg.MODEL.PIXEL_MEAN), torch.tensor(cfg.MODEL.PIXEL_STD)
    recipe = Recipe(epochs=args.epochs, batch_size=args.batch_size, seed=args.seed)
    pairs = read_pairs(worlds, size, ("bounding_box_train",))
    model = pretrain(pairs, recipe, Path(args.output), mean, std, choose_device(args.device))
    tested = {
        name: read_pairs([folder], size, ("query", "bounding_box_test"))
        for name, folder in held_out.items()
    }
    record = {
        "model": recipe.model,
        "command": shlex.join(["python", "tools/pretrain_clip.py", *arguments]),
        "recipe": {key: value for key, value in asdict(recipe).items() if key != "model"},
        "data": [_facts(source) for source in pairs.sources],
        "software": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "open_clip": open_clip.__version__,
        },
        "zero_shot": {
            name: measure(model, recipe.model, of, mean, std) for name, of in tested.items()
        },
    }
    path = Path(args.output) / f"{recipe.model}.{_TAG}.safetensors"
    write_weights(model, path, record)
    print(path.with_suffix(".md").read_text(encoding="utf-8"))
    return 0


def _build(config: str, output: Path, workers: int, opts: list[str]) -> Path:
    cfg = geneperson.load(_CONFIGS / "GenePerson" / config, opts)
    try:
        geneperson.build(cfg, output, workers)
    except geneperson.UserError as error:
        raise dppp.UserError(str(error)) from error
    return output


def _facts(source: dict) -> dict:
    """What is recorded of a set: enough to build it again and to see what is not in it."""
    return {
        "digest": source["digest"],
        "identities": sum(source["identities"].values()),
        "images": sum(source["images"].values()),
        "candidates": sum(source["candidates"].values()),
        "configuration": source["configuration"],
        "vocabulary_sha256": source["vocabulary_sha256"],
    }


if __name__ == "__main__":
    run(main, stopped="stopped; the same command goes on from the last checkpoint")

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
from dppp.command_line import Parser, run
from dppp.config import load_config
from dppp.data.datasets.catalogue import data_root
from dppp.device import choose_device
from dppp.pretraining import (
    Pairs,
    Recipe,
    measure_zero_shot,
    pretrain,
    read_pairs,
    write_weights,
)
from geneperson.prompting import vocabulary
from geneperson.prompting.vocabulary import GENDERS, OUTFIT
from geneperson.worlds.catalogue import get_world

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
    for name in ("worlds", "identities", "epochs", "batch_size", "workers"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise dppp.UserError(f"--{name.replace('_', '-')} must be 1 or more")
    if not 0 <= args.seed < 2**63:
        raise dppp.UserError(f"--seed is {args.seed}; it must be 0 or more, below 2**63")
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
            ["WORLD", f"world-{number}", "SEED", str(100 + number), *people],
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
    pixels = {
        "pixel_mean": torch.tensor(cfg.MODEL.PIXEL_MEAN),
        "pixel_std": torch.tensor(cfg.MODEL.PIXEL_STD),
    }
    recipe = Recipe(epochs=args.epochs, batch_size=args.batch_size, seed=args.seed)
    pairs = read_pairs(worlds, size, ("bounding_box_train",))
    tested = {
        name: read_pairs([folder], size, ("query", "bounding_box_test"))
        for name, folder in held_out.items()
    }
    for name, of in tested.items():
        _refuse_shared_outfits(pairs, of, name)
    model = pretrain(pairs, recipe, Path(args.output), device=choose_device(args.device), **pixels)
    record = {
        "model": recipe.model,
        "command": shlex.join(["python", "tools/pretrain_clip.py", *arguments]),
        "recipe": {key: value for key, value in asdict(recipe).items() if key != "model"},
        "data": [_facts(source) for source in pairs.sources],
        "held_out": {name: _facts(of.sources[0]) for name, of in tested.items()},
        "software": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "open_clip": open_clip.__version__,
        },
        "zero_shot": {
            name: measure_zero_shot(model, of, model_name=recipe.model, words=_words(), **pixels)
            for name, of in tested.items()
        },
    }
    path = Path(args.output) / f"{recipe.model}.{_TAG}.safetensors"
    write_weights(model, path, record)
    print(path.with_suffix(".md").read_text(encoding="utf-8"))
    return 0


def _build(config: str, output: Path, workers: int, opts: list[str]) -> Path:
    try:
        cfg = geneperson.load(_CONFIGS / "GenePerson" / config, opts)
        geneperson.build(cfg, output, workers)
    except geneperson.UserError as error:
        raise dppp.UserError(str(error)) from error
    return output


def _refuse_shared_outfits(pairs: Pairs, held_out: Pairs, name: str) -> None:
    """What is tested on must not have been seen: neither in this data nor by an accident of it."""
    seen, tested = (
        {tuple(person[part] for part in OUTFIT) for person in of.attributes}
        for of in (pairs, held_out)
    )
    if seen & tested:
        raise dppp.UserError(
            f"{len(seen & tested)} outfits of the {name} are worn in the training data; name its "
            "seed and number of prompts in IDENTITIES.EXCLUDE of configs/GenePerson/pretraining.yml"
        )


def _words() -> dict[str, list[str]]:
    """Attribute -> all words that prompts have for it, of women and men."""
    words = {name: list(group) for name, group in vocabulary.load().words[GENDERS[0]].items()}
    for name, group in vocabulary.load().words[GENDERS[1]].items():
        words[name] += [word for word in group if word not in words[name]]
    return words | {"gender": list(GENDERS)}


def _facts(source: dict) -> dict:
    """What is recorded of a set: enough to build it again and to see what is not in it."""
    return {
        "digest": source["digest"],
        "identities": sum(source["identities"].values()),
        "images": sum(source["images"].values()),
        "candidates": sum(source["candidates"].values()),
        "configuration": source["configuration"],
        "world": asdict(get_world(source["configuration"]["WORLD"])),
        "vocabulary_sha256": source["vocabulary_sha256"],
        "software": source["software"],
    }


if __name__ == "__main__":
    run(main, stopped="stopped; the same command goes on from the last checkpoint")

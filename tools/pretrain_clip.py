#!/usr/bin/env python
"""Train the package's small CLIP on generated pedestrians and their prompts.

pretrain_clip.py --output DIR [--worlds 20] [--epochs 6] [--seed 0] [--data DIR] [--workers 2]
                 [--probe]

Builds a set for each of the random camera worlds world-1, world-2 ... (finished sets are kept),
trains, measures zero-shot accuracy on held-out people of the quickstart's two worlds, and writes
DIR/MODEL.procedural.safetensors with its record (.json) and card (.md). An interrupted run resumes
with the same command.

With --probe, the visual encoder is trained to name the words itself, without texts: a ceiling for
what texts can teach it. It is printed, and added to the record and card if DIR holds the weights.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dppp_commands.arguments import at_least_one
from dppp_commands.command_line import Parser, run

if TYPE_CHECKING:
    from dppp.pretraining import Pairs

_CONFIGS = Path(__file__).resolve().parents[1] / "configs"
_TAG = "procedural"
_DRESSED_FOR_THE_STREET = 5  # every fifth world: other shares of words, and things that are carried


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read and check the arguments."""
    parser = Parser(description="Train the small CLIP on generated pedestrians and their prompts.")
    parser.add_argument("--output", required=True, help="folder for the checkpoint and the weights")
    parser.add_argument("--data", help="folder of the generated sets (default: the data root's)")
    parser.add_argument(
        "--worlds", type=at_least_one, default=20, help="random camera worlds (default 20)"
    )
    parser.add_argument(
        "--identities", type=at_least_one, help="people per world (default: the config's)"
    )
    recipe = parser.add_argument_group("what differs from the recipe of dppp.pretraining")
    recipe.add_argument("--epochs", type=at_least_one, help="epochs of training")
    recipe.add_argument("--batch-size", type=at_least_one, help="pairs per step")
    recipe.add_argument("--seed", type=int, help="seed of the training")
    recipe.add_argument("--dtype", choices=("bf16", "fp32"), help="of the forward pass")
    parser.add_argument("--probe", action="store_true", help="train without texts: a ceiling")
    parser.add_argument(
        "--workers", type=at_least_one, default=2, help="processes that draw (default 2)"
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto (default)")
    args = parser.parse_args(arguments)
    if args.seed is not None and not 0 <= args.seed < 2**63:
        parser.error(f"--seed is {args.seed}; it must be 0 or more, below 2**63")
    return args


def main(arguments: list[str]) -> int:
    """Build the sets, train, measure and write the weights; return the exit status."""
    args = parse(arguments)
    import open_clip
    import torch

    from dppp.config import load_config
    from dppp.device import choose_device
    from dppp.pretraining import (
        ASKED,
        Contrast,
        Naming,
        PixelStatistics,
        Recipe,
        add_ceiling,
        measure_zero_shot,
        pretrain,
        read_pairs,
        write_weights,
    )

    worlds, held_out = _build_sets(args)
    cfg = load_config(str(_CONFIGS / "DPPP" / "quickstart.yml"), [])
    size = tuple(cfg.INPUT.SIZE_TRAIN)
    statistics = PixelStatistics(mean=cfg.MODEL.PIXEL_MEAN, std=cfg.MODEL.PIXEL_STD)
    differs = {key: getattr(args, key) for key in ("epochs", "batch_size", "seed", "dtype")}
    recipe = Recipe(**{key: value for key, value in differs.items() if value is not None})
    cameras = [_camera_words(folder) for folder in worlds]
    pairs = read_pairs(worlds, size, ("bounding_box_train",), cameras)
    tested = {
        name: read_pairs([folder], size, ("query", "bounding_box_test"))
        for name, folder in held_out.items()
    }
    for name, held_out_pairs in tested.items():
        _refuse_shared_outfits(pairs, held_out_pairs, name)
    output, device = Path(args.output), choose_device(args.device)
    path = output / f"{recipe.model}.{_TAG}.safetensors"
    command = shlex.join(["python", "tools/pretrain_clip.py", *arguments])
    train = partial(pretrain, pairs, recipe, statistics=statistics, device=device)
    words = {name: known for name, known in _words().items() if name in ASKED}
    if args.probe:
        probe = Naming(recipe.model, words)
        model = train(output / "probe", probe)
        found = {name: probe.measure(model, test, statistics) for name, test in tested.items()}
        print(json.dumps(found, indent=1))
        if path.with_suffix(".json").is_file():
            add_ceiling(path, {"command": command, "accuracy": found})
        return 0
    contrast = Contrast(recipe.model, pairs.words, words)
    model = train(output, contrast)
    record = {
        "model": recipe.model,
        "command": command,
        "recipe": {key: value for key, value in asdict(recipe).items() if key != "model"},
        "data": [_facts(source) for source in pairs.sources],
        "held_out": {name: _facts(test.sources[0]) for name, test in tested.items()},
        "software": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "open_clip": open_clip.__version__,
        },
        "zero_shot": {
            name: measure_zero_shot(
                model,
                test,
                model_name=recipe.model,
                words=words,
                statistics=statistics,
            )
            for name, test in tested.items()
        },
        "linear": {
            name: contrast.naming.measure(model, test, statistics) for name, test in tested.items()
        },
    }
    write_weights(model, path, record)
    print(path.with_suffix(".md").read_text(encoding="utf-8"))
    return 0


def _build_sets(args: argparse.Namespace) -> tuple[list[Path], dict[str, Path]]:
    """Build the sets to train on and, by name of their world, the held-out ones."""
    from dppp.data.datasets.catalogue import data_root

    data = Path(args.data) if args.data else Path(data_root(), "pretraining")
    people = ["IDENTITIES.TRAIN", str(args.identities)] if args.identities else []
    worlds = [
        _build(
            "pretraining.yml",
            data / f"world-{number:02d}",
            args.workers,
            ["WORLD", f"world-{number}", "SEED", str(100 + number), *people, *_dressed(number)],
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
    return worlds, held_out


def _dressed(number: int) -> list[str]:
    return [] if number % _DRESSED_FOR_THE_STREET else ["VOCABULARY.FILE", "street"]


def _camera_words(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return words for the pictures of each scene's camera, of the world of a set."""
    from geneperson.worlds.catalogue import get_world

    dataset = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    world = get_world(dataset["configuration"]["WORLD"])
    return {scene: camera.quality for scene, camera in world.cameras.items()}


def _build(config: str, output: Path, workers: int, opts: list[str]) -> Path:
    import dppp
    import geneperson

    try:
        cfg = geneperson.load(_CONFIGS / "GenePerson" / config, opts)
        geneperson.build(cfg, output, workers)
    except geneperson.UserError as error:
        raise dppp.UserError(str(error)) from error
    return output


def _refuse_shared_outfits(pairs: Pairs, held_out: Pairs, name: str) -> None:
    """Raise a UserError if a held-out person wears an outfit of the training data."""
    from dppp import UserError
    from geneperson.prompting.vocabulary import OUTFIT

    trained, tested = (
        {tuple(person[part] for part in OUTFIT) for person in side.attributes}
        for side in (pairs, held_out)
    )
    if trained & tested:
        raise UserError(
            f"{len(trained & tested)} outfits of the {name} occur in the training data; add its "
            "seed and number of prompts to IDENTITIES.EXCLUDE in configs/GenePerson/pretraining.yml"
        )


def _words() -> dict[str, list[str]]:
    """Return, by attribute, all words for it that are used, for women and men."""
    from geneperson.prompting import vocabulary
    from geneperson.prompting.vocabulary import GENDERS
    from geneperson.worlds.lighting import LIGHTINGS

    words = {name: list(group) for name, group in vocabulary.load().words[GENDERS[0]].items()}
    for name, group in vocabulary.load().words[GENDERS[1]].items():
        words[name] += [word for word in group if word not in words[name]]
    lightings = [lighting.name for lighting in LIGHTINGS]
    return words | {"gender": list(GENDERS), "lighting": lightings}


def _facts(source: dict) -> dict:
    """Return what is recorded of a set: enough to build it again and to check what it excludes."""
    from geneperson.worlds.catalogue import get_world

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
    run(main, stopped="stopped; run the same command again to resume")

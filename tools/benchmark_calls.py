#!/usr/bin/env python
"""Count how often drawing a batch of canvases calls each network, and compute the arithmetic.

benchmark_calls.py [--config-file F ...] [KEY VALUE ...]

The calls depend on the settings alone. So they are counted on small random networks of the real
classes (those of the tests), with small canvases and three LoRAs, once by the calls of diffusers
alone and once by this package. "30 x 4" is 30 calls with 4 pictures each; with guidance each canvas
counts twice. The arithmetic is that of SDXL in full size. Equal arguments give equal tables.
"""

import argparse
import sys
import tempfile
from importlib import import_module
from itertools import islice
from pathlib import Path

from tabulate import tabulate
from yacs.config import CfgNode

import geneperson
from geneperson.commands.arguments import Parser
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.canvas import Grid
from geneperson.prompting import prompts, vocabulary
from geneperson.synthesis.diffusion import cost
from geneperson.synthesis.diffusion.settings import ACCELERATION, LORA_ROLES, DiffusionSettings
from geneperson.synthesis.diffusion.synthesizer import DiffusionSynthesizer

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
network_calls = import_module("network_calls")
tiny_models = import_module("tiny_models")

CONFIGS = ["configs/GenePerson/sdxl.yml", "configs/GenePerson/sdxl_fast.yml"]
ROLES = (*LORA_ROLES, ACCELERATION)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments."""
    parser = Parser(description="Count the calls of each network for a batch of canvases.")
    parser.add_argument(
        "--config-file", action="append", metavar="F", help=f"default {' and '.join(CONFIGS)}"
    )
    parser.add_argument("opts", nargs="*", metavar="KEY VALUE", help="settings to override")
    return parser.parse_args(arguments)


def save_models(folder: Path) -> None:
    sdxl = tiny_models.save_sdxl(folder / "sdxl")
    tiny_models.save_controlnet(folder / "pose", seed=1)
    tiny_models.save_controlnet(folder / "edge", seed=2)
    for seed, role in enumerate(ROLES):
        tiny_models.save_lora(folder / f"{role}.safetensors", sdxl, seed)


def shrunk(cfg: CfgNode, models: Path) -> CfgNode:
    """Return the settings with small models and canvases in place of their own."""
    small = cfg.clone()
    small.defrost()
    small.CANVAS.COLUMNS = small.CANVAS.ROWS = 2
    small.CANVAS.CELL_SIZE = (32, 16)
    small.IDENTITIES.TRAIN, small.IDENTITIES.TEST, small.QUALITY.MIN_CELLS = 1, 0, 1
    values = small.DIFFUSION
    values.SCALE, values.MIN_CELL, values.MEGAPIXELS = 1.0, (16, 16), (0.0, 1.0)
    values.BASE, values.VAE, values.VARIANT = str(models / "sdxl"), "", ""
    values.POSE_CONTROLNET, values.EDGE_CONTROLNET = str(models / "pose"), str(models / "edge")
    values.UNION_CONTROLNET = ""
    values.DEVICE, values.DTYPE, values.COMPILE = "cpu", "fp32", False
    for role in ROLES:
        if role != ACCELERATION or values.LORA[role]:
            values.LORA[role] = str(models / f"{role}.safetensors")
    return small


def count(cfg: CfgNode, models: Path) -> list[list[str]]:
    """Return a row for each network: its name, calls by diffusers, calls by this package."""
    small = shrunk(cfg, models)
    synthesizer = BuildSpec.from_config(small).build_synthesizer(offline=True)
    assert isinstance(synthesizer, DiffusionSynthesizer)
    people = list(islice(prompts.identities(vocabulary.load(), 0), small.DIFFUSION.BATCH_SIZE))
    settings = DiffusionSettings.from_config(small)
    plain, ours = network_calls.calls_of_both(synthesizer, settings, people)
    after = ours.summary()
    return [[name, before, after[name]] for name, before in plain.summary().items()]


def arithmetic(cfg: CfgNode) -> str:
    settings, grid = DiffusionSettings.from_config(cfg), Grid.from_config(cfg)
    return (
        f"{cost.canvas_tflop(settings, grid):,.0f} TFLOP a canvas, "
        f"{cost.background_tflop(settings):,.0f} a background"
    )


def main(arguments: list[str]) -> None:
    args = parse(arguments)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        save_models(models)
        for path in args.config_file or CONFIGS:
            cfg = geneperson.load(path, args.opts)
            headers = [f"{cfg.DIFFUSION.BATCH_SIZE} canvases of {path}", "diffusers", "geneperson"]
            print(tabulate(count(cfg, models), headers, tablefmt="github"))
            print(f"\n{arithmetic(cfg)}\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except geneperson.UserError as error:
        sys.exit(f"error: {error}")

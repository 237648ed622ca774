"""How often drawing a batch of canvases calls each network, and the arithmetic of it.

The calls depend on the settings alone. So they are counted on small random networks of the real
classes (those of the tests), with small canvases and three LoRAs, once by the calls of diffusers
alone and once by this package. The arithmetic is that of SDXL in full size.
"""

import sys
import tempfile
import warnings
from collections.abc import Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path

import diffusers
import transformers
from yacs.config import CfgNode

import geneperson
from benchmarks.measuring import Table
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.canvas import Grid
from geneperson.prompting import prompts, vocabulary
from geneperson.synthesis.diffusion import cost
from geneperson.synthesis.diffusion.settings import ACCELERATION, LORA_ROLES, DiffusionSettings
from geneperson.synthesis.diffusion.synthesizer import DiffusionSynthesizer

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))
network_calls = import_module("network_calls")
tiny_models = import_module("tiny_models")

ROLES = (*LORA_ROLES, ACCELERATION)


def count_calls(files: Sequence[str], opts: list[str]) -> list[Table]:
    """Return a table for each config; "30 x 4" is 30 calls with 4 pictures or texts each.

    Args:
        files: configs of the diffusion route.
        opts: keys and values to override.
    """
    cfgs = {Path(path).name: geneperson.load(path, opts) for path in files}
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # three LoRAs
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        _save_models(models)
        return [_table(name, cfg, models) for name, cfg in cfgs.items()]


def _table(name: str, cfg: CfgNode, models: Path) -> Table:
    return Table(
        title=f"Calls of each network, {cfg.DIFFUSION.BATCH_SIZE} canvases of {name}",
        headers=["", "diffusers", "geneperson"],
        rows=_count(cfg, models),
        notes=[_arithmetic(cfg)],
    )


def _save_models(folder: Path) -> None:
    sdxl = tiny_models.save_sdxl(folder / "sdxl")
    tiny_models.save_controlnet(folder / "pose", seed=1)
    tiny_models.save_controlnet(folder / "edge", seed=2)
    for seed, role in enumerate(ROLES):
        tiny_models.save_lora(folder / f"{role}.safetensors", sdxl, seed)


def _shrunk(cfg: CfgNode, models: Path) -> CfgNode:
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


def _count(cfg: CfgNode, models: Path) -> list[list[str]]:
    """Return a row for each network: its name, calls by diffusers, calls by this package."""
    small = _shrunk(cfg, models)
    synthesizer = BuildSpec.from_config(small).build_synthesizer(offline=True)
    assert isinstance(synthesizer, DiffusionSynthesizer)
    people = list(islice(prompts.identities(vocabulary.load(), 0), small.DIFFUSION.BATCH_SIZE))
    settings = DiffusionSettings.from_config(small)
    plain, ours = network_calls.calls_of_both(synthesizer, settings, people)
    after = ours.summary()
    return [[name, before, after[name]] for name, before in plain.summary().items()]


def _arithmetic(cfg: CfgNode) -> str:
    settings, grid = DiffusionSettings.from_config(cfg), Grid.from_config(cfg)
    return (
        f"{cost.canvas_tflop(settings, grid):,.0f} TFLOP a canvas, "
        f"{cost.background_tflop(settings):,.0f} a background."
    )

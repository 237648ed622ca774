"""Without the packages of the diffusion route, everything else works and the way on is named."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from geneperson.extras import INSTALL

EXTRAS = (
    "accelerate",
    "diffusers",
    "onnxruntime",
    "openai",
    "peft",
    "pydantic",
    "rembg",
    "rtmlib",
    "transformers",
)
# Imports as on a machine that has not installed them: the finder comes before all others.
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from geneperson import UserError, build, get_cfg, verify

cfg = get_cfg()
cfg.IDENTITIES.TRAIN = 1
cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS, cfg.CANVAS.CELL_SIZE = 2, 2, (64, 32)
cfg.QUALITY.MIN_CELLS = 1
cfg.DIFFUSION.MIN_CELL, cfg.DIFFUSION.MEGAPIXELS = (16, 16), (0.0, 1.0)
cfg.SCENES.POOL_SIZE = 1
cfg.MATTING.MODEL = {model!r}
"""
REFUSED = """
cfg.SYNTHESIS.NAME = "diffusion"
try:
    build(cfg, {output!r})
except UserError as error:
    print(error)
"""


def run(script: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", script], cwd="/", capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def without(missing: tuple[str, ...], model: str = "u2net") -> str:
    return WITHOUT.format(missing=set(missing), model=model)


def test_the_procedural_route_and_everything_around_it(tmp_path: Path) -> None:
    more = f"""
from geneperson.pipeline.plan import plan
from geneperson.dataset.preview import preview
from geneperson.pipeline.rebuild import rebuild
from geneperson.dataset.stats import stats

output = {str(tmp_path / "set")!r}
build(cfg, output)
assert verify(output) == []
preview(output, output + ".png")
print(stats(output), plan(cfg), rebuild(cfg, output, 1))
assert not {set(EXTRAS)!r} & {{name.split(".")[0] for name in sys.modules}}
"""
    assert "identities" in run(without(EXTRAS) + more)
    assert (tmp_path / "set" / "dataset.json").exists()


def test_the_diffusion_route_names_the_command(tmp_path: Path) -> None:
    output = tmp_path / "set"
    printed = run(without(EXTRAS) + REFUSED.format(output=str(output)))
    assert printed == f"cutting people out needs the package onnxruntime: {INSTALL}\n"
    assert not output.exists()


@pytest.mark.parametrize("package", ["rembg", "diffusers", "transformers", "peft"])
def test_each_package_by_itself(tmp_path: Path, package: str) -> None:
    """Asked for by the module that needs it, before any model is looked for."""
    script = """
from geneperson.compositing.matting import Matting, MattingSettings
from geneperson.synthesis.diffusion.sdxl import load_pipeline
from geneperson.synthesis.diffusion.settings import DiffusionSettings
try:
    {call}
except UserError as error:
    print(error)
"""
    call = "load_pipeline(DiffusionSettings.from_config(cfg))"
    if package == "rembg":
        call = "Matting(MattingSettings.from_config(cfg))"
    printed = run(without((package,)) + script.format(call=call))
    what = "cutting people out" if package == "rembg" else "SYNTHESIS.NAME 'diffusion'"
    assert printed == f"{what} needs the package {package}: {INSTALL}\n"


def test_the_plan_needs_no_package_of_the_route() -> None:
    more = (
        "\nfrom geneperson.pipeline.plan import plan"
        "\ncfg.SYNTHESIS.NAME = 'diffusion'\nprint(plan(cfg))"
    )
    assert "stabilityai/stable-diffusion-xl-base-1.0" in run(without(EXTRAS) + more)


def test_the_command_names_an_extra_of_the_distribution() -> None:
    extra = INSTALL.split("[")[1].split("]")[0]
    assert extra in importlib.metadata.metadata("dppp-fastreid").get_all("Provides-Extra")

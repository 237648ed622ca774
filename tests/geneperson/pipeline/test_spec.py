"""A build's specification is resolved and refused once, and travels to worker processes."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from dataclasses import fields
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson import UserError, build, load
from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import prompts, vocabulary
from geneperson.synthesis import ROUTES, get_route
from geneperson.worlds.lighting import NEUTRAL
from helpers import GENEPERSON_CONFIGS
from sketch_route import SketchRoute


def assert_same(first: BuildSpec, second: BuildSpec) -> None:
    for field in fields(BuildSpec):
        if field.name != "poses":  # they hold arrays
            assert getattr(first, field.name) == getattr(second, field.name), field.name
    assert len(first.poses) == len(second.poses)
    for ours, theirs in zip(first.poses, second.poses, strict=True):
        assert np.array_equal(ours.joints, theirs.joints) and ours.view == theirs.view


@pytest.mark.parametrize(
    "path", sorted(GENEPERSON_CONFIGS.glob("*.yml")), ids=lambda path: path.name
)
def test_the_spec_of_every_shipped_file_survives_pickling(path: Path) -> None:
    spec = BuildSpec.from_config(load(path))
    assert_same(pickle.loads(pickle.dumps(spec)), spec)


def test_a_random_world_survives_pickling(cfg: CfgNode) -> None:
    cfg.WORLD = "world-7"
    spec = BuildSpec.from_config(cfg)
    assert_same(pickle.loads(pickle.dumps(spec)), spec)


def test_resolving_imports_nothing_that_draws() -> None:
    """Neither does importing both routes."""
    script = f"""
import sys
from geneperson import load
from geneperson.pipeline.spec import BuildSpec
spec = BuildSpec.from_config(load({str(GENEPERSON_CONFIGS / "sdxl.yml")!r}))
assert spec.route.name == "diffusion"
heavy = {{"torch", "diffusers", "transformers", "rembg", "onnxruntime", "openai"}}
print(heavy & sys.modules.keys())
"""
    result = subprocess.run(
        [sys.executable, "-c", script], cwd="/", capture_output=True, text=True, timeout=60
    )
    assert result.stdout == "set()\n", result.stderr


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("WORLD", "moon", "WORLD is 'moon'"),
        ("SYNTHESIS.NAME", "crayons", "SYNTHESIS.NAME is 'crayons': use one of procedural"),
        ("VOCABULARY.FILE", "/nowhere.json", "nowhere.json"),
        ("POSES.FILE", "/nowhere.json", "nowhere.json"),
        ("IDENTITIES.TRAIN", 10**12, "different outfits"),
        ("SEED", -1, "SEED is -1"),
    ],
)
def test_what_no_build_can_use_is_refused(
    cfg: CfgNode, key: str, value: object, message: str
) -> None:
    cfg.merge_from_list([key, value])
    with pytest.raises(UserError, match=message):
        BuildSpec.from_config(cfg)


def test_a_canvas_that_sdxl_cannot_draw_is_refused_by_its_route_only(cfg: CfgNode) -> None:
    cfg.DIFFUSION.SCALE = 0.51
    BuildSpec.from_config(cfg)
    cfg.SYNTHESIS.NAME = "diffusion"
    with pytest.raises(UserError, match=r"DIFFUSION\.SCALE is 0\.51, must be .* multiples of 8"):
        BuildSpec.from_config(cfg)


@pytest.mark.parametrize(
    ("opts", "message"),
    [
        (
            ["DIFFUSION.SCALE", "2"],
            r"the canvas is drawn at 3072 x 1792 pixels, must have 0\.5\.\.4\.2 million",
        ),
        (["CANVAS.COLUMNS", "3", "CANVAS.ROWS", "2"], "the canvas is drawn at 512 x 384 pixels"),
        (["DIFFUSION.SCALE", "0.75"], "cells are drawn at 192 x 96 pixels, must have 256 x 128"),
        (["CANVAS.CELL_SIZE", "(256, 96)"], "cells are drawn at 256 x 96 pixels"),
    ],
)
def test_what_sdxl_cannot_draw_well_is_refused(opts: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        BuildSpec.from_config(load(GENEPERSON_CONFIGS / "sdxl.yml", opts))
    assert re.search(r": (change|increase) DIFFUSION\.SCALE,? or CANVAS\.", str(error.value))
    assert "\n" not in str(error.value)
    widest = ["DIFFUSION.MIN_CELL", "(16, 16)", "DIFFUSION.MEGAPIXELS", "(0, 100)"]
    BuildSpec.from_config(load(GENEPERSON_CONFIGS / "sdxl.yml", opts + widest))


def test_the_fine_variant_draws_cells_at_twice_the_size() -> None:
    cfg = load(GENEPERSON_CONFIGS / "sdxl_fine.yml")
    spec = BuildSpec.from_config(cfg)
    grid, scale = spec.grid, cfg.DIFFUSION.SCALE
    assert (grid.columns, grid.rows, grid.num_cells) == (4, 3, 12)
    assert (grid.cell_height * scale, grid.cell_width * scale) == (512, 256)
    assert (grid.cell_height, grid.cell_width) == (256, 128), "images have the usual size"
    assert spec.limits.min_cells == 3
    views = {pose.view for pose in spec.poses}
    assert {"front", "back", "left", "right"} <= views


def test_identities_are_those_of_the_seed_in_no_excluded_outfit(cfg: CfgNode) -> None:
    cfg.SEED = 3
    words = vocabulary.load()
    stream = BuildSpec.from_config(cfg).identities()
    expected = islice(prompts.identities(words, 3), 5)
    assert list(islice(stream, 5)) == [prompts.under_light(each, NEUTRAL) for each in expected]
    cfg.IDENTITIES.EXCLUDE = ((3, 2),)  # their own first two
    others = list(islice(BuildSpec.from_config(cfg).identities(), 5))
    excluded = prompts.excluded_outfits(words, [(3, 2)])
    assert len(excluded) == 2
    assert not excluded & {prompts.outfit_of(person) for person in others}


def test_only_the_sections_of_the_route_are_recorded(cfg: CfgNode) -> None:
    def recorded() -> set[str]:
        return {"DIFFUSION", "MATTING"} & BuildSpec.from_config(cfg).settings[
            "configuration"
        ].keys()

    assert recorded() == set()
    cfg.SYNTHESIS.NAME = "diffusion"
    cfg.DIFFUSION.MIN_CELL, cfg.DIFFUSION.MEGAPIXELS = (16, 16), (0.0, 1.0)
    assert recorded() == {"DIFFUSION", "MATTING"}


def test_a_route_can_be_added_without_touching_the_pipeline(
    pristine: Path, cfg: CfgNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ROUTES, "sketch", SketchRoute)
    cfg.SYNTHESIS.NAME = "sketch"
    assert get_route(cfg) == SketchRoute()
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 2, 0
    dataset = build(cfg, tmp_path / "set")
    assert dataset["models"] == {"synthesis": "sketch"}
    assert dataset["software"]["pencil"] == "2B"
    card = (tmp_path / "set" / "README.md").read_text()
    assert "The pictures are sketches." in card and "procedural" not in card
    images = sorted((tmp_path / "set" / "bounding_box_train").iterdir())
    assert images
    for image in images:
        assert image.read_bytes() == (pristine / "bounding_box_train" / image.name).read_bytes()


@pytest.mark.parametrize(("mode", "words"), [("relight", "and relit for"), ("drawn", "only meet")])
def test_the_card_says_in_which_light_people_were_drawn(
    cfg: CfgNode, tmp_path: Path, mode: str, words: str
) -> None:
    cfg.LIGHT.MODE = mode
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 1, 0
    build(cfg, tmp_path / "set")
    assert words in (tmp_path / "set" / "README.md").read_text()

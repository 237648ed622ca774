"""The route calls its networks no more often than needed, and draws what diffusers draws."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import prompts, vocabulary
from geneperson.prompting.prompts import Identity
from geneperson.synthesis.diffusion.settings import DiffusionSettings
from geneperson.synthesis.diffusion.synthesizer import DiffusionSynthesizer
from network_calls import counted, draw_plainly, plain_pipeline

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = 4
TOLERANCE = 2  # grey levels by which a sum in another order may differ
TEXT_ENCODERS = ("first text encoder", "second text encoder")


@pytest.fixture
def cfg(tiny_cfg: CfgNode) -> CfgNode:
    cfg = tiny_cfg.clone()
    cfg.CANVAS.CELL_SIZE = (32, 16)
    cfg.DIFFUSION.STEPS, cfg.DIFFUSION.EDGE_END = STEPS, 0.5
    cfg.DIFFUSION.EXTRA_PROMPT, cfg.DIFFUSION.NEGATIVE_EXTRA = "film grain", "cartoon"
    for weight, role in ((0.7, "ENHANCEMENT"), (-0.4, "LIGHTING"), (1.2, "STYLE")):
        cfg.DIFFUSION.LORA[f"{role}_WEIGHT"] = weight
    return cfg


@pytest.fixture(scope="module")
def people() -> list[Identity]:
    return list(islice(prompts.identities(vocabulary.load(), 0), 2))


def loaded(cfg: CfgNode) -> DiffusionSynthesizer:
    synthesizer = BuildSpec.from_config(cfg).build_synthesizer()
    assert isinstance(synthesizer, DiffusionSynthesizer)
    return synthesizer


@pytest.mark.parametrize(("guidance", "rows"), [(6.0, 4), (1.0, 2)])
def test_calls_and_pictures(
    cfg: CfgNode, people: list[Identity], guidance: float, rows: int
) -> None:
    """Of a second batch of two; with guidance each picture counts twice."""
    cfg.DIFFUSION.GUIDANCE = guidance
    synthesizer, settings = loaded(cfg), DiffusionSettings.from_config(cfg)
    plain = plain_pipeline(settings)
    with counted(plain) as by_diffusers:
        theirs = draw_plainly(plain, settings, synthesizer._maps, people)
    with counted(synthesizer._pipe) as at_first:
        synthesizer.characters(people)
    with counted(synthesizer._pipe) as calls:
        ours = [canvas.image for canvas in synthesizer.characters(people)]
    num_texts = 4 if guidance > 1 else 2  # person and sheet, and what both must not show
    assert by_diffusers == {
        "denoiser": [rows] * STEPS,
        "pose ControlNet": [rows] * STEPS,
        "edge ControlNet": [rows] * STEPS,
        "embedding of the skeleton map": [rows] * STEPS,
        "embedding of the edge map": [rows] * STEPS,
        "first text encoder": [2] * num_texts,
        "second text encoder": [2] * num_texts,
        "VAE decoder": [1, 1],
        "a LoRA's layer": [rows] * STEPS,
    }
    assert calls == {
        "denoiser": [rows] * STEPS,
        "pose ControlNet": [rows] * STEPS,
        "edge ControlNet": [rows] * (STEPS // 2),
        "embedding of the skeleton map": [1],
        "embedding of the edge map": [1],
        "first text encoder": [2],
        "second text encoder": [2],
        "VAE decoder": [1, 1],
        "a LoRA's layer": [],
    }
    for encoder in TEXT_ENCODERS:
        assert at_first[encoder] == [2] + [1] * (num_texts - 1)
    assert np.abs(theirs.astype(int) - ours).max() <= TOLERANCE
    assert theirs.std() > 5


def test_a_background_reads_each_prompt_once(cfg: CfgNode) -> None:
    cfg.DIFFUSION.STEPS = 1
    synthesizer = loaded(cfg)
    with counted(synthesizer._pipe) as calls:
        synthesizer.background("street", "day", 0)
        synthesizer.background("street", "day", 1)
        synthesizer.background("park", "day", 0)
    assert calls["denoiser"] == [2, 2, 2]
    for encoder in TEXT_ENCODERS:
        assert calls[encoder] == [1, 1, 1], "two scenes, and what none must show"

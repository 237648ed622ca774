"""LoRAs are in the weights: the roles' for people alone, the acceleration's for backgrounds too."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from yacs.config import CfgNode

from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import prompts, vocabulary
from geneperson.synthesis import get_route
from geneperson.synthesis.diffusion.synthesizer import DiffusionSynthesizer

pytestmark = pytest.mark.usefixtures("one_thread")

PLACE = ("street", "day", 0)


@pytest.fixture
def cfg(tiny_cfg: CfgNode) -> CfgNode:
    cfg = tiny_cfg.clone()
    cfg.CANVAS.CELL_SIZE = (32, 16)
    cfg.DIFFUSION.STEPS = 2
    return cfg


@pytest.fixture(scope="module")
def acceleration(models: Path) -> Path:
    """A LoRA that changes other layers too, and the text encoders."""
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict
    from transformers import CLIPTextModel

    torch.manual_seed(7)
    unet = UNet2DConditionModel.from_pretrained(models / "sdxl" / "unet")
    encoder = CLIPTextModel.from_pretrained(models / "sdxl" / "text_encoder")
    for network, targets in ((unet, ["to_q", "conv1"]), (encoder, ["q_proj", "v_proj"])):
        network.add_adapter(LoraConfig(r=4, init_lora_weights=False, target_modules=targets))
    StableDiffusionXLPipeline.save_lora_weights(
        models / "loras",
        unet_lora_layers=get_peft_model_state_dict(unet),
        text_encoder_lora_layers=get_peft_model_state_dict(encoder),
        weight_name="acceleration.safetensors",
    )
    return models / "loras" / "acceleration.safetensors"


def loaded(cfg: CfgNode) -> DiffusionSynthesizer:
    synthesizer = BuildSpec.from_config(cfg).build_synthesizer()
    assert isinstance(synthesizer, DiffusionSynthesizer)
    return synthesizer


def weights(synthesizer: DiffusionSynthesizer) -> dict[str, torch.Tensor]:
    pipe = synthesizer._pipe
    parts = {"unet": pipe.unet, "one": pipe.text_encoder, "two": pipe.text_encoder_2}
    return {
        f"{name}.{key}": value.clone()
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(one[key].equal(other[key]) for key in one)


def without_roles(cfg: CfgNode) -> CfgNode:
    cfg = cfg.clone()
    for role in ("ENHANCEMENT", "LIGHTING", "STYLE"):
        cfg.DIFFUSION.LORA[role] = ""
    return cfg


def test_the_weights_are_exchanged_bit_by_bit(cfg: CfgNode, acceleration: Path) -> None:
    """However often; in half precision a sum cannot be taken back."""
    cfg.DIFFUSION.DTYPE = "bf16"
    cfg.DIFFUSION.LORA.ACCELERATION = str(acceleration)
    synthesizer = loaded(cfg)
    for_people = weights(synthesizer)
    for_backgrounds = weights(loaded(without_roles(cfg)))
    assert not same(for_people, for_backgrounds)
    for _ in range(2):
        synthesizer._loras.use(for_people=False)
        assert same(weights(synthesizer), for_backgrounds)
        synthesizer._loras.use(for_people=True)
        assert same(weights(synthesizer), for_people)


def test_acceleration_acts_on_people_and_backgrounds(cfg: CfgNode, acceleration: Path) -> None:
    people = list(islice(prompts.identities(vocabulary.load(), 0), 1))
    plain = loaded(cfg)
    person, background = plain.characters(people)[0].image, plain.background(*PLACE)
    cfg.DIFFUSION.LORA.ACCELERATION = str(acceleration)
    fast = loaded(cfg)
    fast_background = fast.background(*PLACE)
    assert not np.array_equal(fast_background, background)
    assert not np.array_equal(fast.characters(people)[0].image, person)
    assert np.array_equal(loaded(without_roles(cfg)).background(*PLACE), fast_background)


def test_the_part_of_a_lora_for_a_text_encoder_counts(
    cfg: CfgNode, models: Path, acceleration: Path
) -> None:
    from transformers import CLIPTextModel

    cfg.DIFFUSION.LORA.ACCELERATION = str(acceleration)
    before = CLIPTextModel.from_pretrained(models / "sdxl" / "text_encoder").state_dict()
    after = loaded(cfg)._pipe.text_encoder.state_dict()
    changed = {key for key in before if not before[key].equal(after[key])}
    assert after.keys() == before.keys()
    assert {key.split(".")[-2] for key in changed} == {"q_proj", "v_proj"}


def test_acceleration_and_sampler_are_in_the_key_of_a_background(
    cfg: CfgNode, acceleration: Path
) -> None:
    before = get_route(cfg).describe_background("street", "day")
    cfg.DIFFUSION.LORA.ACCELERATION = str(acceleration)
    route = get_route(cfg)
    assert "LORA.ACCELERATION" in route.background_models
    assert "DIFFUSION.LORA.ACCELERATION" in route.model_sources()
    assert before != route.describe_background("street", "day"), "its weight"
    cfg.DIFFUSION.SCHEDULER = "euler"
    assert get_route(cfg).describe_background("street", "day") != route.describe_background(
        "street", "day"
    )

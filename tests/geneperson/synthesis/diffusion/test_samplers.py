"""The samplers draw differently, and settings that do not go together are named or refused."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson import UserError, load
from geneperson.config import SCHEDULERS
from geneperson.pipeline.plan import plan
from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import prompts, vocabulary
from geneperson.synthesis import get_route
from geneperson.synthesis.diffusion.samplers import SAMPLERS, make_sampler
from geneperson.synthesis.diffusion.settings import DiffusionSettings
from geneperson.synthesis.diffusion.synthesizer import DiffusionSynthesizer
from helpers import GENEPERSON_CONFIGS

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def cfg(tiny_cfg: CfgNode) -> CfgNode:
    cfg = tiny_cfg.clone()
    cfg.CANVAS.CELL_SIZE = (32, 16)
    cfg.DIFFUSION.STEPS = 3
    return cfg


@pytest.fixture
def fast(cfg: CfgNode, models: Path) -> CfgNode:
    """With an acceleration LoRA."""
    cfg.DIFFUSION.LORA.ACCELERATION = str(models / "loras" / "style.safetensors")
    cfg.DIFFUSION.SCHEDULER, cfg.DIFFUSION.GUIDANCE = "euler", 1.0
    return cfg


def test_every_sampler_draws_its_own_picture(cfg: CfgNode) -> None:
    """And gives each person of a batch noise of its own."""
    cfg.DIFFUSION.SCHEDULER = "tcd"
    synthesizer = BuildSpec.from_config(cfg).build_synthesizer()
    assert isinstance(synthesizer, DiffusionSynthesizer)
    pipe, pictures = synthesizer._pipe, []
    assert type(pipe.scheduler).__name__ == "TCDScheduler"
    people = list(islice(prompts.identities(vocabulary.load(), 0), 2))
    for name in SAMPLERS:
        pipe.scheduler = make_sampler(name, pipe.scheduler.config)
        together = [canvas.image for canvas in synthesizer.characters(people)]
        alone = synthesizer.characters(people[1:])[0].image
        assert np.abs(together[1].astype(int) - alone).max() <= 2, name
        assert not any(np.array_equal(alone, other) for other in pictures), name
        pictures.append(alone)
    assert tuple(SAMPLERS) == SCHEDULERS


def test_the_fast_preset() -> None:
    """SDXL-Lightning as its card says, and the same gate as sdxl.yml's."""
    fast, papers = (load(GENEPERSON_CONFIGS / f"{name}.yml") for name in ("sdxl_fast", "sdxl"))
    values = fast.DIFFUSION
    assert (values.STEPS, values.GUIDANCE, values.SCHEDULER) == (8, 1.0, "euler")
    assert values.LORA.ACCELERATION.endswith("sdxl_lightning_8step_lora.safetensors")
    assert fast.QUALITY == papers.QUALITY
    settings = DiffusionSettings.from_config(fast)
    assert settings.contradictions == []
    assert "At DIFFUSION.GUIDANCE 1 the negative prompts have no effect" in settings.note
    assert "negative" not in DiffusionSettings.from_config(papers).note
    assert get_route(fast).model_sources().keys() - get_route(papers).model_sources().keys() == {
        "DIFFUSION.LORA.ACCELERATION"
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["DIFFUSION.STEPS", 30], "not for STEPS 30 and GUIDANCE"),
        (["DIFFUSION.GUIDANCE", 6.0, "DIFFUSION.SCHEDULER", "lcm"], "GUIDANCE 6: set 8 and 1.0"),
        (["DIFFUSION.SCHEDULER", "euler_a"], "not made for DIFFUSION.SCHEDULER euler_a"),
        (["DIFFUSION.LORA.ACCELERATION", "", "DIFFUSION.SCHEDULER", "lcm"], "lcm blurs"),
    ],
)
def test_settings_that_hardly_make_sense_are_named(
    fast: CfgNode, changes: list[object], message: str
) -> None:
    fast.merge_from_list(changes)
    assert message in plan(fast)


def test_the_log_warns_of_them(fast: CfgNode, caplog: pytest.LogCaptureFixture) -> None:
    fast.DIFFUSION.GUIDANCE = 6.0
    BuildSpec.from_config(fast).build_synthesizer()
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert sum("GUIDANCE 6: set 8 and 1.0" in message for message in warnings) == 1


@pytest.mark.parametrize("name", ["lcm", "tcd"])
def test_more_steps_than_a_sampler_has_are_one_line(cfg: CfgNode, name: str) -> None:
    cfg.DIFFUSION.SCHEDULER, cfg.DIFFUSION.STEPS = name, 51
    with pytest.raises(UserError, match=rf"STEPS is 51, must be 50 or less with .*{name}") as error:
        BuildSpec.from_config(cfg)
    assert "\n" not in str(error.value)


def test_an_unknown_sampler_is_one_line() -> None:
    with pytest.raises(UserError, match=r"SCHEDULER is 'heun', must be one of euler_a, euler, "):
        load(None, ["DIFFUSION.SCHEDULER", "heun"])

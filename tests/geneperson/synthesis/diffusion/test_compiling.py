"""Compiled blocks serve batches of all sizes, people and backgrounds, and draw the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
import torch
from yacs.config import CfgNode

from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import prompts, vocabulary
from geneperson.prompting.prompts import Identity
from geneperson.synthesis.diffusion.compiling import compile_blocks
from geneperson.synthesis.diffusion.synthesizer import DiffusionSynthesizer

pytestmark = pytest.mark.usefixtures("one_thread")

PLACE = ("street", "day", 0)


@pytest.fixture
def cfg(tiny_cfg: CfgNode) -> CfgNode:
    cfg = tiny_cfg.clone()
    cfg.CANVAS.CELL_SIZE = (32, 16)
    cfg.DIFFUSION.STEPS, cfg.DIFFUSION.EDGE_END = 2, 0.5
    cfg.DIFFUSION.BATCH_SIZE, cfg.DIFFUSION.BACKGROUND_SIZE = 3, (48, 32)
    return cfg


@pytest.fixture(scope="module")
def people() -> list[Identity]:
    return list(islice(prompts.identities(vocabulary.load(), 0), 4))


@pytest.fixture(autouse=True)
def _own_compiler() -> Iterator[None]:
    """Undo what compiling sets for the whole process."""
    import torch._dynamo
    import torch.fx.experimental._config as shapes

    torch._dynamo.reset()
    before = torch._dynamo.config.recompile_limit, shapes.backed_size_oblivious
    yield
    torch._dynamo.config.recompile_limit, shapes.backed_size_oblivious = before
    torch._dynamo.reset()


def loaded(cfg: CfgNode) -> DiffusionSynthesizer:
    synthesizer = BuildSpec.from_config(cfg).build_synthesizer()
    assert isinstance(synthesizer, DiffusionSynthesizer)
    return synthesizer


def draw(synthesizer: DiffusionSynthesizer, people: list[Identity]) -> list[np.ndarray]:
    return [canvas.image for canvas in synthesizer.characters(people)]


@pytest.mark.parametrize("guidance", [pytest.param(6.0, marks=pytest.mark.slow), 1.0])
def test_nothing_is_compiled_again(cfg: CfgNode, people: list[Identity], guidance: float) -> None:
    """Neither for a last batch of one person, nor for a background of another size, nor after."""
    from torch._dynamo.testing import CompileCounter

    cfg.DIFFUSION.GUIDANCE = guidance
    plain = loaded(cfg)
    compiled, counter = loaded(cfg), CompileCounter()
    compile_blocks(compiled._pipe, guided=guidance > 1, backend=counter)
    pipe = compiled._pipe
    for network in (pipe.unet, *pipe.controlnet.nets, pipe.vae.decoder):
        assert any(part._compiled_call_impl is not None for part in network.modules())
    first = draw(compiled, people[:3])
    in_first = counter.frame_count
    assert in_first > 0
    pictures = [*first, *draw(compiled, people[3:]), compiled.background(*PLACE)]
    again = draw(compiled, people[:1])
    assert counter.frame_count == in_first
    expected = [*draw(plain, people), plain.background(*PLACE)]
    for ours, theirs in zip([*pictures, *again], [*expected, expected[0]], strict=True):
        assert np.abs(ours.astype(int) - theirs).max() <= 2


@pytest.mark.slow
def test_with_the_real_compiler(cfg: CfgNode, people: list[Identity]) -> None:
    """It takes minutes: each kind of block is translated to C++ and compiled."""
    expected = loaded(cfg)
    cfg.DIFFUSION.COMPILE = True
    compiled = loaded(cfg)
    for ours, theirs in zip(draw(compiled, people), draw(expected, people), strict=True):
        assert np.abs(ours.astype(int) - theirs).max() <= 2
    ours, theirs = compiled.background(*PLACE), expected.background(*PLACE)
    assert np.abs(ours.astype(int) - theirs).max() <= 2
    assert torch._dynamo.utils.counters["frames"]["ok"] > 0

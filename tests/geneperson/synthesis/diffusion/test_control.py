"""A ControlNet acts for its share of the steps, and costs nothing after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from yacs.config import CfgNode

from geneperson import UserError, load
from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import prompts, vocabulary
from geneperson.prompting.prompts import Identity
from geneperson.synthesis.diffusion.synthesizer import DiffusionSynthesizer

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = 4


@pytest.fixture
def cfg(tiny_cfg: CfgNode) -> CfgNode:
    cfg = tiny_cfg.clone()
    cfg.CANVAS.CELL_SIZE = (32, 16)
    cfg.DIFFUSION.STEPS = STEPS
    return cfg


@pytest.fixture
def union_cfg(cfg: CfgNode, models: Path) -> CfgNode:
    cfg.DIFFUSION.UNION_CONTROLNET = str(models / "union")
    cfg.DIFFUSION.POSE_CONTROLNET = cfg.DIFFUSION.EDGE_CONTROLNET = ""
    return cfg


@pytest.fixture(scope="module")
def people() -> list[Identity]:
    return list(islice(prompts.identities(vocabulary.load(), 0), 1))


def loaded(cfg: CfgNode, pose_end: float, edge_end: float) -> DiffusionSynthesizer:
    cfg = cfg.clone()
    cfg.DIFFUSION.POSE_END, cfg.DIFFUSION.EDGE_END = pose_end, edge_end
    synthesizer = BuildSpec.from_config(cfg).build_synthesizer()
    assert isinstance(synthesizer, DiffusionSynthesizer)
    return synthesizer


@contextmanager
def counted(*networks: torch.nn.Module) -> Iterator[list[int]]:
    """Count the forward passes of networks."""
    calls = [0] * len(networks)

    def count(number: int) -> Any:
        def look(*_: object) -> None:
            calls[number] += 1

        return look

    # at the network's first layer, which no pass can do without
    handles = [
        network.conv_in.register_forward_hook(count(number))
        for number, network in enumerate(networks)
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize(
    ("pose_end", "edge_end", "expected"),
    [(1.0, 1.0, [4, 4]), (1.0, 0.5, [4, 2]), (0.3, 0.1, [1, 0])],
)
def test_a_network_that_has_ended_is_not_called(
    cfg: CfgNode,
    people: list[Identity],
    pose_end: float,
    edge_end: float,
    expected: list[int],
) -> None:
    """Diffusers itself calls both in all steps, and draws the same bytes."""
    synthesizer = loaded(cfg, pose_end, edge_end)
    networks = synthesizer._pipe.controlnet
    with counted(*networks.nets) as calls:
        ours = synthesizer.characters(people)[0].image
    assert calls == expected
    del networks.forward  # what remains is the method of diffusers' class
    with counted(*networks.nets) as calls:
        theirs = synthesizer.characters(people)[0].image
    assert calls == [STEPS, STEPS]
    assert np.array_equal(ours, theirs)


def test_a_weight_of_0_costs_nothing(cfg: CfgNode, people: list[Identity]) -> None:
    cfg.DIFFUSION.EDGE_SCALE = 0.0
    synthesizer = loaded(cfg, 1.0, 1.0)
    with counted(*synthesizer._pipe.controlnet.nets) as calls:
        synthesizer.characters(people)
    assert calls == [STEPS, 0]


def test_each_end_changes_the_picture(cfg: CfgNode, people: list[Identity]) -> None:
    ends = [(1.0, 1.0), (1.0, 0.5), (0.5, 1.0)]
    pictures = [loaded(cfg, *each).characters(people)[0].image for each in ends]
    for number, picture in enumerate(pictures):
        for other in pictures[:number]:
            assert not np.array_equal(picture, other)


def test_a_union_network_sees_what_has_not_ended(
    union_cfg: CfgNode, people: list[Identity]
) -> None:
    """One network reads both maps: it is called while one of them acts, with that one alone."""
    synthesizer = loaded(union_cfg, 0.75, 0.5)
    network = synthesizer._pipe.controlnet
    with counted(network, network.controlnet_cond_embedding) as calls:
        synthesizer.characters(people)
    assert calls == [3, 2], "each of the two maps is embedded once"


def test_a_union_network_without_an_end_draws_what_diffusers_draws(
    union_cfg: CfgNode, people: list[Identity]
) -> None:
    synthesizer = loaded(union_cfg, 1.0, 1.0)
    network = synthesizer._pipe.controlnet
    ours = synthesizer.characters(people)[0].image
    del network.forward
    theirs = synthesizer.characters(people)[0].image
    assert np.array_equal(ours, theirs)


def test_a_union_network_that_has_ended_has_no_say(
    union_cfg: CfgNode, people: list[Identity]
) -> None:
    """At scales of 0 diffusers' call would still change the picture."""
    synthesizer = loaded(union_cfg, 0.1, 0.1)
    network = synthesizer._pipe.controlnet
    with counted(network) as calls:
        ours = synthesizer.characters(people)[0].image
    assert calls == [0]
    del network.forward
    theirs = synthesizer.characters(people)[0].image
    assert not np.array_equal(ours, theirs)


@pytest.mark.parametrize("key", ["DIFFUSION.POSE_END", "DIFFUSION.EDGE_END"])
@pytest.mark.parametrize("value", ["0.0", "1.1", "-0.5"])
def test_an_end_is_a_share_of_the_steps(key: str, value: str) -> None:
    with pytest.raises(UserError, match=rf"{key} is .*, must be in \(0, 1\]"):
        load(None, [key, value])

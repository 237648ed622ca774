"""The gate on planted failures, at the limits of sdxl.yml: each is caught for its own reason."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from geneperson import load
from geneperson.compositing.gate import ANOTHER_PERSON, Gate
from geneperson.compositing.quality import NO_FEET, TOO_SMALL, TOO_WIDE
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.skeletons import L_ANKLE, L_HIP, L_KNEE, R_ANKLE, R_HIP, R_KNEE
from helpers import GENEPERSON_CONFIGS

Canvas = tuple[list[np.ndarray], list[np.ndarray]]


@pytest.fixture(scope="module")
def spec() -> BuildSpec:
    opts = ["SYNTHESIS.NAME", "procedural", "CANVAS.COLUMNS", "6", "CANVAS.ROWS", "2"]
    return BuildSpec.from_config(load(GENEPERSON_CONFIGS / "sdxl.yml", opts))


@pytest.fixture(scope="module")
def canvases(spec: BuildSpec) -> list[Canvas]:
    drawn = spec.build_synthesizer().characters(list(islice(spec.identities(), 2)))
    return [(spec.grid.crop(each.image), spec.grid.crop(each.alpha)) for each in drawn]


@pytest.fixture
def ours(canvases: list[Canvas]) -> Canvas:
    """Cells that a test may replace."""
    people, alphas = canvases[0]
    return list(people), [alpha.copy() for alpha in alphas]


def gate_of(spec: BuildSpec) -> Gate:
    return Gate(spec.limits, spec.picture, spec.poses)


def test_right_cells_pass(spec: BuildSpec, canvases: list[Canvas]) -> None:
    for canvas in canvases:
        verdict = gate_of(spec).judge(*canvas)
        assert verdict.rejected == {}
        assert verdict.appearance is not None and verdict.appearance.within > 0.9


def test_another_person_in_a_cell(spec: BuildSpec, canvases: list[Canvas], ours: Canvas) -> None:
    people, alphas = ours
    for cell in (1, 7):
        people[cell], alphas[cell] = canvases[1][0][cell], canvases[1][1][cell]
    verdict = gate_of(spec).judge(people, alphas)
    assert verdict.rejected == {1: ANOTHER_PERSON, 7: ANOTHER_PERSON}
    alone = gate_of(spec).judge(
        *([part for cell, part in enumerate(parts) if cell not in (1, 7)] for parts in ours)
    )
    assert verdict.appearance is not None and alone.appearance is not None
    off = replace(spec, picture=replace(spec.picture, min_same_person=0.0))
    assert gate_of(off).judge(people, alphas).rejected == {}


def test_a_body_without_legs_or_feet(spec: BuildSpec, ours: Canvas) -> None:
    people, alphas = ours
    height = len(alphas[0])
    hips, knees, ankles = (
        [int(pose.joints[list(pair), 1].mean() * height) for pose in spec.poses]
        for pair in ((R_HIP, L_HIP), (R_KNEE, L_KNEE), (R_ANKLE, L_ANKLE))
    )
    alphas[2][(hips[2] + knees[2]) // 2 :] = 0
    alphas[3][(knees[3] + ankles[3]) // 2 :] = 0
    assert gate_of(spec).judge(people, alphas).rejected == {2: TOO_SMALL, 3: NO_FEET}
    off = replace(spec, limits=replace(spec.limits, min_joints=0.0, min_height=0.4))
    assert gate_of(off).judge(people, alphas).rejected == {}


def test_two_people_who_touch(spec: BuildSpec, canvases: list[Canvas], ours: Canvas) -> None:
    people, alphas = ours
    front = 0
    shift = 20  # pixels to either side: one blob, inside the cell
    halves = [np.roll(alphas[front], shift, axis=1), np.roll(canvases[1][1][front], -shift, axis=1)]
    alphas[front] = np.maximum(*halves)
    assert gate_of(spec).judge(people, alphas).rejected == {front: TOO_WIDE}
    off = replace(spec, limits=replace(spec.limits, max_width=0.0))
    assert gate_of(off).judge(people, alphas).rejected == {}


def test_a_bag_is_not_a_second_person(spec: BuildSpec, ours: Canvas) -> None:
    people, alphas = ours
    alphas[0][110:160, 90:120] = 255
    assert gate_of(spec).judge(people, alphas).rejected == {}


def test_nobody_asks_nobody_looks(spec: BuildSpec, ours: Canvas) -> None:
    quiet = replace(spec.picture, min_same_person=0.0, twins="ignore")
    assert gate_of(replace(spec, picture=quiet)).judge(*ours).appearance is None
    nothing = [np.zeros_like(alpha) for alpha in ours[1]]
    verdict = gate_of(spec).judge(ours[0], nothing)
    assert len(verdict.rejected) == 12 and verdict.appearance is None

"""A candidate's images depend only on its number and the seed, and bad cells are counted."""

from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson.compositing.quality import TOO_LARGE, TOO_SMALL
from geneperson.config import DRAWN, LIGHT_MODES, RELIGHT
from geneperson.pipeline.candidate import TOO_FEW_CELLS, CandidateMaker, Drawn
from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import prompts, vocabulary
from geneperson.worlds.lighting import LIGHTINGS, NEUTRAL


def people(cfg: CfgNode, number: int) -> list[prompts.Identity]:
    return list(islice(prompts.identities(vocabulary.load(), cfg.SEED), number))


def place_of(image: Drawn) -> tuple[int, int, int]:
    return image.cell, image.place.scene, image.place.lighting


def maker_of(cfg: CfgNode) -> CandidateMaker:
    return CandidateMaker(BuildSpec.from_config(cfg))


def test_order_of_work_does_not_matter(cfg: CfgNode) -> None:
    first, second, third = people(cfg, 3)
    forward = maker_of(cfg)
    drawn = {person.index: forward.make(person) for person in (first, second, third)}
    backward = maker_of(cfg)
    assert backward.make(third) == drawn[2]
    assert backward.make(first) == drawn[0]


def test_images_are_jpegs_of_the_cells_size(cfg: CfgNode) -> None:
    candidate = maker_of(cfg).make(people(cfg, 1)[0])
    assert len(candidate.images) >= 4
    for image in candidate.images:
        assert image.jpeg[:2] == b"\xff\xd8"
        pixels = cv2.imdecode(np.frombuffer(image.jpeg, np.uint8), cv2.IMREAD_UNCHANGED)
        assert pixels.shape == (128, 64, 3)
        assert 0.05 <= image.mask_area <= 0.6
    assert len({image.place.scene for image in candidate.images}) >= 3
    assert len({image.place.lighting for image in candidate.images}) >= 3
    assert {image.cell for image in candidate.images} | set(candidate.rejected) == set(range(6))


def test_another_seed_draws_other_images(cfg: CfgNode) -> None:
    one = maker_of(cfg).make(people(cfg, 1)[0])
    cfg.SEED = 1
    assert maker_of(cfg).make(people(cfg, 1)[0]) != one


def test_another_candidate_gets_other_scenes_and_noise(cfg: CfgNode) -> None:
    """The same person under another number: every image is placed and recorded anew."""
    identity, maker = people(cfg, 1)[0], maker_of(cfg)
    ours = {place_of(image): image for image in maker.make(identity).images}
    for index in range(1, 200):
        theirs = maker.make(replace(identity, index=index)).images
        assert {place_of(image) for image in theirs} != set(ours)
        same_place = [image for image in theirs if place_of(image) in ours]
        for image in same_place:  # what is left to differ is crop, framing and noise
            assert image.jpeg != ours[place_of(image)].jpeg
        if same_place:
            return
    pytest.fail("no two images in the same place")


def test_camera_effects_can_be_left_out(cfg: CfgNode) -> None:
    identity = people(cfg, 1)[0]
    seen = maker_of(cfg).make(identity)
    cfg.CAMERA.EFFECTS = False
    plain = maker_of(cfg).make(identity)
    assert [image.cell for image in seen.images] == [image.cell for image in plain.images]
    assert all(a.jpeg != b.jpeg for a, b in zip(seen.images, plain.images, strict=True))


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"MIN_AREA": 0.9, "MAX_AREA": 1.0}, TOO_SMALL),
        ({"MIN_AREA": 0.0, "MAX_AREA": 0.01}, TOO_LARGE),
    ],
)
def test_candidate_without_good_cells_is_rejected(cfg: CfgNode, limits: dict, reason: str) -> None:
    cfg.QUALITY.merge_from_list([item for pair in limits.items() for item in pair])
    candidate = maker_of(cfg).make(people(cfg, 1)[0])
    assert candidate.images == []
    assert candidate.rejected == dict.fromkeys(range(6), reason)


def test_too_few_good_cells_reject_the_good_ones_too(cfg: CfgNode) -> None:
    identity = people(cfg, 1)[0]
    areas = sorted(image.mask_area for image in maker_of(cfg).make(identity).images)
    assert areas[0] < areas[2]
    cfg.QUALITY.MAX_AREA = (areas[0] + areas[2]) / 2  # keeps the smallest one or two
    cfg.QUALITY.MIN_CELLS = 4
    candidate = maker_of(cfg).make(identity)
    assert candidate.images == []
    assert set(candidate.rejected.values()) == {TOO_LARGE, TOO_FEW_CELLS}
    assert set(candidate.rejected) == set(range(6))


def test_cells_that_are_left_out_are_neither_used_nor_rejected(cfg: CfgNode) -> None:
    """The others look as they do when all are used, though their places are dealt anew."""
    cfg.CAMERA.EFFECTS = False
    identities, number = people(cfg, 6), 6
    every = {person.index: maker_of(cfg).make(person) for person in identities}
    cfg.QUALITY.KEEP, cfg.QUALITY.MIN_CELLS = 0.5, 2
    maker = maker_of(cfg)
    used = set()
    for person in identities:
        some = maker.make(person)
        cells = {image.cell for image in some.images} | set(some.rejected)
        assert len(cells) == 0.5 * number
        used.add(frozenset(cells))
        area = {image.cell: image.mask_area for image in every[person.index].images}
        assert all(image.mask_area == area[image.cell] for image in some.images)
    assert len(used) > 1  # each identity has a choice of its own
    assert maker_of(cfg).make(identities[-1]) == maker.make(identities[-1])


def test_whole_canvases_lose_the_same_cells(cfg: CfgNode) -> None:
    """What draws all cells at once, as a model does, gives the same images."""
    cfg.LIGHT.MODE, cfg.LIGHT.PER_IDENTITY = DRAWN, 2
    cfg.QUALITY.KEEP = 0.5
    spec, identity = BuildSpec.from_config(cfg), people(cfg, 1)[0]
    maker, synthesizer = CandidateMaker(spec), spec.build_synthesizer()
    whole = synthesizer.characters(spec.drawings(identity))
    assert all(canvas.alpha.any() for canvas in whole)
    assert maker.finish(maker.judge(identity, whole), synthesizer) == maker.make(identity)


class BlackPainter:
    """Gives backgrounds that show nothing but the person."""

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        return np.zeros((128, 128, 3), np.uint8)


@pytest.mark.parametrize("name", ["night", "noon", "sunset"])
def test_light_is_shown_once_in_both_modes(cfg: CfgNode, name: str) -> None:
    """A person is as bright when drawn under a light as when drawn in neutral light and relit."""
    cfg.CAMERA.EFFECTS = False
    (person,) = people(cfg, 1)
    brightness: dict[str, list[float]] = {mode: [] for mode in LIGHT_MODES}
    for mode in LIGHT_MODES:
        cfg.LIGHT.MODE = mode
        spec = BuildSpec.from_config(cfg)
        synthesizer, maker = spec.build_synthesizer(), CandidateMaker(spec)
        for index in range(8):
            identity = prompts.under_light(replace(person, index=index), name)
            canvases = synthesizer.characters(spec.drawings(identity))
            for image in maker.finish(maker.judge(identity, canvases), BlackPainter()).images:
                shown = LIGHTINGS[image.place.lighting].name
                assert image.drawn_under == (shown if mode == DRAWN else NEUTRAL)
                pixels = cv2.imdecode(np.frombuffer(image.jpeg, np.uint8), cv2.IMREAD_COLOR)
                if shown == name:
                    brightness[mode].append(float(pixels[pixels.max(axis=2) > 12].mean()))
    assert len(brightness[RELIGHT]) >= 3
    assert np.mean(brightness[DRAWN]) == pytest.approx(np.mean(brightness[RELIGHT]), rel=0.1)


def test_canvases_of_one_identity_are_under_different_lights(cfg: CfgNode) -> None:
    cfg.LIGHT.MODE, cfg.LIGHT.PER_IDENTITY = DRAWN, 3
    spec = BuildSpec.from_config(cfg)
    (person,) = people(cfg, 1)
    drawings = spec.drawings(person)
    assert drawings[0] == person and len({one.lighting for one in drawings}) == 3
    assert len({one.seed for one in drawings}) == 1
    assert spec.drawings(drawings[0]) == drawings
    candidate = CandidateMaker(spec).make(person)
    assert {image.cell for image in candidate.images} | set(candidate.rejected) == set(range(18))
    assert {image.drawn_under for image in candidate.images} == {one.lighting for one in drawings}
    for image in candidate.images:
        assert image.drawn_under == drawings[image.cell // 6].lighting

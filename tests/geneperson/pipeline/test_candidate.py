"""A candidate's images depend only on its number and the seed, and bad cells are counted."""

from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson.compositing.quality import TOO_LARGE, TOO_SMALL
from geneperson.pipeline.candidate import TOO_FEW_CELLS, CandidateMaker
from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import prompts, vocabulary


def people(cfg: CfgNode, number: int) -> list[prompts.Identity]:
    return list(islice(prompts.identities(vocabulary.load(), cfg.SEED), number))


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
    assert len({image.scene for image in candidate.images}) >= 3
    assert len({image.lighting for image in candidate.images}) >= 3
    assert {image.cell for image in candidate.images} | set(candidate.rejected) == set(range(6))


def test_another_seed_draws_other_images(cfg: CfgNode) -> None:
    one = maker_of(cfg).make(people(cfg, 1)[0])
    cfg.SEED = 1
    assert maker_of(cfg).make(people(cfg, 1)[0]) != one


def test_another_candidate_gets_other_scenes_and_noise(cfg: CfgNode) -> None:
    """The same person under another number: every image is placed and recorded anew."""
    identity, maker = people(cfg, 1)[0], maker_of(cfg)
    ours = {
        (image.cell, image.scene, image.lighting): image for image in maker.make(identity).images
    }
    for index in range(1, 200):
        theirs = maker.make(replace(identity, index=index)).images
        assert {(image.cell, image.scene, image.lighting) for image in theirs} != set(ours)
        same_place = [
            image for image in theirs if (image.cell, image.scene, image.lighting) in ours
        ]
        for image in same_place:  # what is left to differ is crop, framing and noise
            assert image.jpeg != ours[image.cell, image.scene, image.lighting].jpeg
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

"""Backgrounds are painted once, when first dealt, and found again by their key."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson import UserError
from geneperson.dataset.layout import ImageRow
from geneperson.pipeline.backgrounds import Backgrounds, background_sheet, folder_of
from geneperson.pipeline.candidate import GoodCell, Judged
from geneperson.pipeline.spec import BuildSpec
from geneperson.seeding import rng
from geneperson.worlds.scenes import Place

PLACES = [
    Place(scene=scene, lighting=scene + 1, picture=number) for scene in (0, 3) for number in (0, 2)
]
MODELS = {"BASE": {"name": "sdxl", "revision": "1", "licence": "x"}, "MATTING": {"name": "u2net"}}


def painted(place: tuple[str, str, int]) -> np.ndarray:
    return rng(0, *place).integers(0, 256, (12, 16, 3), np.uint8)


def paint(backgrounds: Backgrounds, candidate: Judged) -> None:
    for place in backgrounds.missing(candidate):
        backgrounds.write(place, painted(place))


def judged(*places: Place) -> Judged:
    empty = np.zeros((4, 2), np.uint8)
    good = [
        GoodCell(
            cell=cell,
            person=empty,
            alpha=empty,
            drawn_under="neutral",
            place=place,
            rng=np.random.default_rng(0),
        )
        for cell, place in enumerate(places)
    ]
    return Judged(index=0, good=good, rejected={}, samples={})


@pytest.fixture
def backgrounds(tiny_cfg: CfgNode, tmp_path: Path) -> Backgrounds:
    return Backgrounds.of(BuildSpec.from_config(tiny_cfg), tmp_path / "set", MODELS)


def test_only_what_was_dealt_is_missing_and_comes_back_as_it_was(backgrounds: Backgrounds) -> None:
    candidate = judged(*PLACES, *PLACES)
    places = backgrounds.missing(candidate)
    assert places == sorted(place.background for place in PLACES)
    backgrounds.write(places[0], painted(places[0]))
    assert backgrounds.missing(candidate) == places[1:]  # as after a stop
    paint(backgrounds, candidate)
    assert backgrounds.missing(candidate) == []
    assert len(list(backgrounds.folder.iterdir())) == len(PLACES)
    for place in places:
        assert np.array_equal(backgrounds.background(*place), painted(place))
        assert cv2.imread(str(backgrounds.path(*place))).shape == (12, 16, 3)


def test_they_are_beside_the_set_and_belong_to_models_prompt_and_seed(
    tiny_cfg: CfgNode, tmp_path: Path
) -> None:
    output, place = tmp_path / "set", PLACES[0].background
    cfg = tiny_cfg.clone()
    spec = BuildSpec.from_config(cfg)
    ours = Backgrounds.of(spec, output, MODELS)
    assert ours.folder == folder_of(output) == tmp_path / "set.backgrounds"
    assert ours.path(*place).name.startswith("street_overcast_000_")
    others = [
        Backgrounds.of(replace(spec, seed=1), output, MODELS),
        Backgrounds.of(spec, output, MODELS | {"BASE": {"name": "sdxl", "revision": "2"}}),
    ]
    cfg.DIFFUSION.STEPS += 1
    others.append(Backgrounds.of(BuildSpec.from_config(cfg), output, MODELS))
    assert len({ours.path(*place), *(other.path(*place) for other in others)}) == 4
    same = Backgrounds.of(spec, output, MODELS | {"MATTING": {"name": "isnet"}})
    assert same.path(*place) == ours.path(*place)


def test_the_sheet_leaves_out_what_was_deleted(backgrounds: Backgrounds) -> None:
    """A user may delete the folder while a build is stopped; the build can still be finished."""
    paint(backgrounds, judged(*PLACES))
    rows = [
        ImageRow(
            file=f"bounding_box_train/0001_c1s1_{cell:06d}_00.jpg",
            pid=1,
            scene=scene,
            lighting=lighting,
            drawn_lighting="neutral",
            background=f"{scene}_{lighting}_{index:03d}",
            cell=cell,
            view="front",
            mask_area=0.2,
            sha256="",
        )
        for cell, (scene, lighting, index) in enumerate(place.background for place in PLACES)
    ]
    whole = background_sheet(backgrounds, rows)
    for place in PLACES[:2]:  # all of the first scene
        backgrounds.path(*place.background).unlink()
    rest = background_sheet(backgrounds, rows)
    assert whole is not None and rest is not None and len(rest) < len(whole)
    for place in PLACES[2:]:
        backgrounds.path(*place.background).unlink()
    assert background_sheet(backgrounds, rows) is None


def test_a_damaged_picture_is_named(backgrounds: Backgrounds) -> None:
    place = PLACES[0].background
    backgrounds.folder.mkdir()
    for content in (b"no picture", b""):
        backgrounds.path(*place).write_bytes(content)
        with pytest.raises(UserError, match=r"street_.*png is not a picture; delete it"):
            backgrounds.background(*place)

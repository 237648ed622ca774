"""Things in front of the person."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest

from geneperson.compositing import fusion
from geneperson.config import get_cfg
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.canvas import Grid
from geneperson.prompting import prompts, vocabulary
from geneperson.worlds.catalogue import WORLDS
from geneperson.worlds.lighting import get_lighting
from geneperson.worlds.occlusion import THINGS, draw, occlude

each_thing = pytest.mark.parametrize("thing", THINGS)


def _stream(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _cover(thing: str, seed: int) -> np.ndarray:
    """(256, 128) float32: where `occlude` puts its thing, which it draws after choosing one."""
    rng = _stream(seed)
    rng.integers(1)
    return draw(thing, 256, 128, rng)[1]


def _picture(level: float = 1.0) -> np.ndarray:
    """(256, 128, 3) uint8: grass below a sky, in bright or dim light."""
    picture = np.empty((256, 128, 3), np.float32)
    picture[:90], picture[90:] = (150, 170, 200), (90, 120, 60)
    picture += _stream(9).normal(0.0, 12.0, picture.shape)
    return np.clip(picture * level, 0.0, 255.0).astype(np.uint8)


@each_thing
def test_the_same_stream_draws_the_same_thing(thing: str) -> None:
    picture = _picture()
    before = picture.copy()
    one = occlude(picture, _stream(1), [thing])
    assert one.dtype == np.uint8 and one.shape == picture.shape
    assert (one == occlude(picture, _stream(1), [thing])).all()
    assert (one != occlude(picture, _stream(2), [thing])).any()
    assert (picture == before).all()


@each_thing
def test_only_the_covered_pixels_change(thing: str) -> None:
    picture = _picture()
    for seed in range(20):
        cover = _cover(thing, seed)
        changed = (occlude(picture, _stream(seed), [thing]) != picture).any(axis=2)
        assert not changed[cover == 0.0].any()
        assert changed[cover > 0.9].mean() > 0.9


@each_thing
def test_a_thing_never_hides_the_picture(thing: str) -> None:
    shares = [draw(thing, 256, 128, _stream(seed))[1].mean() for seed in range(150)]
    assert 0.015 < min(shares) and max(shares) < 0.25


@each_thing
@pytest.mark.parametrize("size", [(256, 128), (64, 32), (384, 128), (129, 65)])
def test_a_thing_reaches_the_lower_edge_at_any_size(thing: str, size: tuple[int, int]) -> None:
    for seed in range(10):
        reflectance, cover = draw(thing, *size, _stream(seed))
        assert reflectance.shape == (*size, 3) and cover.shape == size
        assert 0.0 <= cover.min() and cover.max() < 1.0001
        assert 0.0 <= reflectance.min() and reflectance.max() <= 1.3
        assert cover[-1].max() > 0.8


def _framed_people(world: str) -> list[np.ndarray]:
    """Masks of real figures as framed in finished images."""
    cfg = get_cfg()
    cfg.WORLD = world
    cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS = 4, 2
    drawn = (
        BuildSpec.from_config(cfg)
        .build_synthesizer()
        .characters(list(islice(prompts.identities(vocabulary.load(), 0), 2)))
    )
    light, rng, black = get_lighting("overcast"), _stream(3), np.zeros((256, 128, 3), np.uint8)
    white, grid, people = np.full_like(black, 255), Grid.from_config(cfg), []
    for alpha in (cell for characters in drawn for cell in grid.crop(characters.alpha)):
        fused = fusion.fuse(white, alpha, black, lighting=light, world=WORLDS[world], rng=rng)
        people.append(fused.max(axis=2) > 60)
    return people


@pytest.mark.parametrize("world", WORLDS)
def test_about_two_thirds_of_a_person_stay_seen(world: str) -> None:
    people = _framed_people(world)
    for thing in THINGS:
        hidden = np.array(
            [
                draw(thing, 256, 128, _stream(seed))[1][people[seed % len(people)]].mean()
                for seed in range(160)
            ]
        )
        assert hidden.max() < 0.42, thing
        assert np.quantile(hidden, 0.95) < 1.0 / 3.0, thing
        assert (hidden > 0.01).mean() > 0.6, f"{thing} mostly misses the person"


@each_thing
def test_a_thing_is_lit_as_the_picture_is(thing: str) -> None:
    day, night = _picture(), _picture(0.25)
    for seed in range(12):
        solid = _cover(thing, seed) > 0.95
        if not solid.any():  # a passing car that is all smear
            continue
        bright = occlude(day, _stream(seed), [thing])[solid].mean()
        dark = occlude(night, _stream(seed), [thing])[solid].mean()
        assert 0.15 * bright < dark < 0.4 * bright
        assert dark < night.max()


def test_fog_covers_the_thing_too() -> None:
    clear = _picture()
    foggy = cv2.addWeighted(clear, 0.3, np.full_like(clear, 200), 0.7, 0.0)
    for thing in THINGS:
        solid = _cover(thing, 4) > 0.95
        assert occlude(foggy, _stream(4), [thing])[solid].min() > 90, thing


def test_only_the_named_things_appear() -> None:
    picture = np.full((256, 128, 3), 120, np.uint8)
    for seed in range(30):
        seen = occlude(picture, _stream(seed), ["bin", "hedge", "wall"])
        assert (seen[:170] == 120).all()  # no post
    assert (occlude(picture, _stream(0), ["post"])[:170] != 120).any()

"""Nine lightings, and what they do to a picture."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from geneperson.worlds.lighting import LIGHTINGS, get_lighting, relight


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(40, 200, (96, 48, 3)).astype(np.uint8)


def test_there_are_nine_with_their_own_names_and_prompts() -> None:
    assert len(LIGHTINGS) == 9
    assert LIGHTINGS[0].prompt == "day, sunshine"
    assert len({lighting.name for lighting in LIGHTINGS}) == 9
    assert len({lighting.prompt for lighting in LIGHTINGS}) == 9
    with pytest.raises(ValueError, match="unknown lighting 'disco'"):
        get_lighting("disco")


def test_all_nine_look_different(picture: np.ndarray) -> None:
    lit = [relight(picture, lighting).astype(float) for lighting in LIGHTINGS]
    for one, other in itertools.combinations(lit, 2):
        assert np.abs(one.mean(axis=(0, 1)) - other.mean(axis=(0, 1))).max() > 3.0


def test_night_is_darker_than_every_other_light(picture: np.ndarray) -> None:
    brightness = {lighting.name: relight(picture, lighting).mean() for lighting in LIGHTINGS}
    night = brightness.pop("night")
    assert night < 0.75 * min(brightness["day"], brightness["noon"])
    assert night < min(brightness.values())


def test_clothes_keep_their_color_apart_from_each_other() -> None:
    red, blue = (
        np.full((8, 8, 3), (190, 40, 40), np.uint8),
        np.full((8, 8, 3), (40, 60, 180), np.uint8),
    )
    for lighting in LIGHTINGS:
        one = relight(red, lighting).mean(axis=(0, 1))
        other = relight(blue, lighting).mean(axis=(0, 1))
        assert one[0] > one[2] and other[2] > other[0]
        assert one[0] - one[2] > other[0] - other[2] + 20.0


def test_the_person_is_brighter_on_the_lit_side() -> None:
    grey = np.full((128, 64, 3), 120, np.uint8)
    alpha = np.zeros((128, 64), np.uint8)
    alpha[10:118, 16:48] = 255
    lit = relight(grey, get_lighting("sunset"), alpha).astype(float)  # light from the left
    assert lit[30:100, 17:22].mean() > lit[30:100, 42:47].mean() + 15.0


def test_the_given_picture_is_not_changed(picture: np.ndarray) -> None:
    before = picture.copy()
    lit = relight(picture, LIGHTINGS[6])
    assert (picture == before).all()
    assert lit.dtype == np.uint8 and lit.shape == picture.shape

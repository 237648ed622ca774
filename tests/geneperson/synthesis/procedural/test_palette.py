"""Color words."""

from __future__ import annotations

import numpy as np
import pytest

from geneperson.synthesis.procedural import palette

LUMA = np.array((0.299, 0.587, 0.114))


def test_modifiers_make_darker_and_lighter() -> None:
    light, plain, dark = (palette.fabric(f"{word}grey") @ LUMA for word in ("light ", "", "dark "))
    assert light > plain + 30 > dark + 60


@pytest.mark.parametrize(
    ("words", "strongest"), [("navy blue", 2), ("olive green", 1), ("burgundy", 0), ("sky blue", 2)]
)
def test_the_strongest_channel(words: str, strongest: int) -> None:
    assert palette.fabric(words).argmax() == strongest


def test_names_beyond_our_table_come_from_css_and_the_rest_from_a_hash() -> None:
    assert palette.fabric("orchid").tolist() == [218, 112, 214]
    assert (palette.fabric("glaucous") == palette.fabric("glaucous")).all()
    assert (palette.fabric("glaucous") != palette.fabric("zaffre")).any()


def test_skin_and_hair_words_are_ordered_by_lightness() -> None:
    skins = [
        "pale ivory",
        "fair",
        "light beige",
        "warm beige",
        "tan",
        "golden brown",
        "brown",
        "deep ebony",
    ]
    lightness = [palette.skin(words) @ LUMA for words in skins]
    assert lightness == sorted(lightness, reverse=True)
    hairs = [
        "black",
        "dark brown",
        "chestnut brown",
        "light brown",
        "golden blonde",
        "platinum blonde",
    ]
    lightness = [palette.hair(words) @ LUMA for words in hairs]
    assert lightness == sorted(lightness)


@pytest.mark.parametrize(
    "words", ["black", "white", "beige", "red", "light grey", "mustard yellow"]
)
def test_the_second_color_of_a_pattern_stands_out(words: str) -> None:
    color = palette.fabric(words)
    for seed in range(5):
        second = palette.contrasting(color, np.random.default_rng(seed))
        assert abs((second - color) @ LUMA) > 50.0

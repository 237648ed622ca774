"""The procedural people: repeatable, in the prompt's colors, the same from every side."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from geneperson import UserError, get_cfg
from geneperson.compositing import quality
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.skeletons import L_HIP, NECK, R_HIP, walking_poses
from geneperson.prompting import vocabulary
from geneperson.prompting.prompts import Identity
from geneperson.synthesis.procedural import palette
from geneperson.synthesis.procedural.synthesizer import ProceduralSynthesizer
from geneperson.worlds.catalogue import get_world
from geneperson.worlds.lighting import NEUTRAL

PLAIN = {
    "gender": "woman", "upper_color": "red", "upper_pattern": "plain", "upper_wear": "t-shirt",
    "lower_color": "blue", "lower_pattern": "plain", "lower_wear": "jeans",
    "footwear_color": "white", "footwear": "sneakers", "lighting": "day, sunshine",
    "body_shape": "slim figure", "build": "maternal build body", "hair_color": "dark brown",
    "hairstyle": "short bob, straight hair texture, bangs", "skin_color": "warm beige",
}  # fmt: skip


def person(seed: int = 1, **words: str) -> Identity:
    attributes = {**PLAIN, **words}
    return Identity(
        index=0,
        attributes=attributes,
        lighting=NEUTRAL,
        prompt="",
        negative_prompt="",
        seed=seed,
    )


def synthesizer(
    columns: int, rows: int = 1, cell: tuple[int, int] = (128, 64), world: str = "source"
) -> ProceduralSynthesizer:
    cfg = get_cfg()
    cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS, cfg.CANVAS.CELL_SIZE = columns, rows, cell
    cfg.WORLD, cfg.QUALITY.MIN_CELLS = world, 1
    return BuildSpec.from_config(cfg).build_synthesizer()


def cells(
    painter: ProceduralSynthesizer, identity: Identity
) -> list[tuple[np.ndarray, np.ndarray]]:
    drawn = painter.characters([identity])[0]
    crop = painter.grid.crop
    return list(zip(crop(drawn.image), crop(drawn.alpha), strict=True))


def test_a_canvas_has_the_grids_size_and_an_alpha() -> None:
    drawn = synthesizer(3, 2).characters([person()])[0]
    assert drawn.image.shape == (256, 192, 3) and drawn.image.dtype == np.uint8
    assert drawn.alpha.shape == (256, 192) and drawn.alpha.dtype == np.uint8


def test_equal_identities_give_equal_bytes_whoever_else_is_drawn() -> None:
    one, other = person(1), person(2, gender="man", upper_pattern="floral")
    painter = synthesizer(4)
    alone = painter.characters([one])[0]
    together = synthesizer(4).characters([other, one])
    assert (alone.image == together[1].image).all()
    assert (alone.alpha == together[1].alpha).all()
    assert (painter.characters([one])[0].image == alone.image).all()


def test_the_seed_varies_people_of_one_prompt_a_little() -> None:
    painter = synthesizer(1)
    one, other = (painter.characters([person(seed)])[0] for seed in (1, 2))
    assert (one.alpha != other.alpha).any()


def test_only_the_cells_that_are_asked_for_are_drawn() -> None:
    painter = synthesizer(4)
    every, some = (
        painter.characters([replace(person(), cells=chosen)])[0] for chosen in (None, (1, 3))
    )
    crop = painter.grid.crop
    for cell in (1, 3):
        assert (crop(some.image)[cell] == crop(every.image)[cell]).all()
    assert not any(crop(some.alpha)[cell].any() for cell in (0, 2))


def test_folds_belong_to_the_image_and_patterns_to_the_person() -> None:
    """The same pose in 12 cells: the folds must not tell that it is the same person."""
    some = synthesizer(12, cell=(256, 128))
    front = ProceduralSynthesizer(
        grid=some.grid, poses=walking_poses(12, 6.0)[:1] * 12, world=get_world("source"), seed=0
    )
    for pattern in ("plain", "checkered"):
        wearer = person(upper_wear="sweater", upper_color="beige", upper_pattern=pattern)
        chests = np.array([image[90:125, 50:78].mean(axis=2) for image, _ in cells(front, wearer)])
        same, varying = chests.mean(axis=0), chests - chests.mean(axis=0)
        # Creases are wide, so they remain when the weave is averaged out.
        creases = np.array([cv2.GaussianBlur(chest, (0, 0), 2.0) for chest in varying])
        assert creases.std() > 1.5
        if pattern == "checkered":
            assert same.std() > 1.5 * varying.std()


COLORS = ("red", "green", "navy blue", "yellow", "white", "black", "pink")


def _distance(seen: np.ndarray, color: str) -> float:
    """How far a pixel is from a color in light or in half shade."""
    shades = np.linspace(0.65, 1.05, 9)[:, None] * palette.fabric(color)
    return float(np.abs(seen - shades).sum(axis=1).min())


@pytest.mark.parametrize("color", COLORS)
def test_the_torso_has_the_prompts_color_from_every_side(color: str) -> None:
    painter = synthesizer(8, cell=(256, 128))
    drawn = cells(painter, person(upper_color=color))
    for (image, alpha), pose in zip(drawn, walking_poses(8, 6.0), strict=True):
        neck, pelvis = pose.joints[NECK], 0.5 * (pose.joints[R_HIP] + pose.joints[L_HIP])
        x, y = (0.55 * neck + 0.45 * pelvis)[:2] * (128, 256)
        patch = (slice(int(y) - 8, int(y) + 9), slice(int(x) - 4, int(x) + 5))
        assert (alpha[patch] == 255).all()
        seen = np.median(image[patch].reshape(-1, 3), axis=0)
        assert min(COLORS, key=lambda candidate: _distance(seen, candidate)) == color


def test_the_body_is_one_piece_that_passes_the_quality_filter() -> None:
    limits = quality.QualityLimits.from_config(get_cfg())
    for world in ("source", "shifted", "unseen"):
        painter = synthesizer(7, 6, cell=(256, 128), world=world)
        wide = person(gender="man", body_shape="plump figure", upper_wear="down jacket")
        for identity in (wide, person(lower_wear="long skirt", body_shape="petite figure")):
            for _, alpha in cells(painter, identity):
                assert cv2.connectedComponents((alpha > 127).astype(np.uint8))[0] == 2
                assert quality.check(alpha, limits) is None
                soft = (alpha > 0) & (alpha < 255)
                assert 0 < soft.sum() < 0.2 * (alpha > 0).sum()


def _histogram(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    counts = np.histogramdd(image[alpha == 255], bins=(6, 6, 6), range=[(0, 256)] * 3)[0]
    return counts.ravel() / counts.sum()


def test_two_people_differ_more_than_two_views_of_one() -> None:
    painter = synthesizer(8)
    people = [
        person(
            1, upper_pattern="plaid", upper_color="pink", lower_color="black", lower_wear="skirt"
        ),
        person(2, gender="man", upper_color="green", upper_wear="hoodie", hair_color="ginger"),
        person(3, upper_color="yellow", upper_pattern="striped", lower_color="white"),
        person(4, gender="man", upper_color="navy blue", upper_wear="coat", lower_color="beige"),
    ]
    histograms = [[_histogram(*cell) for cell in cells(painter, one)] for one in people]

    def distance(one: np.ndarray, other: np.ndarray) -> float:
        return 0.5 * np.abs(one - other).sum()

    within = [distance(views[0], view) for views in histograms for view in views[1:]]
    between = [
        distance(one, other)
        for i, views in enumerate(histograms)
        for j in range(i)
        for one, other in zip(views, histograms[j], strict=True)
    ]
    assert np.mean(within) < 0.5 * np.mean(between)
    assert max(within) < min(between) + 0.15


def test_the_face_is_seen_from_the_front_only() -> None:
    painter = synthesizer(4, cell=(256, 128))
    skin = palette.skin(PLAIN["skin_color"])
    shares = []
    for image, alpha in cells(painter, person(hair_color="black", hairstyle="short hair")):
        top = np.flatnonzero(alpha.max(axis=1) > 127)[0]
        head = image[top : top + 26][alpha[top : top + 26] > 250]
        shares.append(float((np.abs(head - skin).sum(axis=1) < 130).mean()))
    front, side, back, other_side = shares
    assert front > 0.35 and back < 0.12
    assert back < side < front and back < other_side < front


def test_patterns_turn_with_the_person() -> None:
    """Buttons and an open jacket are seen from the front and not from behind."""
    painter = synthesizer(2, cell=(256, 128))
    (front, front_alpha), (back, back_alpha) = cells(
        painter, person(upper_wear="jacket", upper_color="black", body_shape="average figure")
    )
    spots = []
    for image, alpha in ((front, front_alpha), (back, back_alpha)):
        columns = np.flatnonzero(alpha[100] > 127)
        middle = int(columns.mean())
        spots.append(image[85:110, middle - 3 : middle + 4].mean())
    assert spots[0] > spots[1] + 40.0  # the shirt inside is lighter than the black jacket


def _attribute_words() -> list[tuple[str, str, str]]:
    words = vocabulary.load("").words
    return sorted({(name, word, gender) for gender in words
                   for name, group in words[gender].items() for word in group})  # fmt: skip


def test_every_word_of_the_vocabulary_can_be_drawn() -> None:
    painter = synthesizer(1, cell=(64, 32))
    for name, word, gender in _attribute_words():
        drawn = painter.characters([person(gender=gender, **{name: word})])[0]
        assert drawn.alpha.max() == 255, (name, word)


def test_unforeseen_words_are_drawn_too_and_always_alike() -> None:
    odd = person(
        upper_color="glaucous", upper_pattern="zigzaggy swirls", upper_wear="caftan",
        lower_color="octarine", lower_pattern="???", lower_wear="jodhpurs", footwear="clogs",
        footwear_color="light seagreen", hairstyle="mohawk", hair_color="cerulean",
        skin_color="unheard of", body_shape="", build="",
    )  # fmt: skip
    one, other = (synthesizer(2).characters([odd])[0] for _ in range(2))
    assert (one.image == other.image).all()
    assert one.alpha.max() == 255


def test_garments_cover_what_their_names_say() -> None:
    painter = synthesizer(1, cell=(256, 128))
    skin = palette.skin(PLAIN["skin_color"])

    def bare(**words: str) -> int:
        ((image, alpha),) = cells(painter, person(upper_color="green", **words))
        return int(((np.abs(image - skin).sum(axis=2) < 130) & (alpha > 250)).sum())

    assert bare(upper_wear="sweater") < bare(upper_wear="t-shirt") < bare(upper_wear="tank top")
    assert (
        bare(lower_wear="jeans") < bare(lower_wear="long skirt") < bare(lower_wear="denim shorts")
    )
    assert bare(lower_wear="skirt") > bare(lower_wear="long skirt")


def test_an_unknown_synthesizer_is_refused() -> None:
    cfg = get_cfg()
    cfg.SYNTHESIS.NAME = "crayon"
    with pytest.raises(UserError, match=r"SYNTHESIS.NAME is 'crayon': use one of procedural"):
        BuildSpec.from_config(cfg).build_synthesizer()

"""Carried things: each where it belongs, seen from the sides that show it, and inside the cell."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from geneperson import get_cfg
from geneperson.compositing import quality
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.skeletons import walking_poses
from geneperson.prompting import vocabulary
from geneperson.prompting.prompts import Identity
from geneperson.synthesis.procedural.accessories import Accessories, accessories
from geneperson.synthesis.procedural.synthesizer import ProceduralSynthesizer

# Nothing of this person is red or has another strong color.
GREY = {
    "gender": "man", "upper_color": "light grey", "upper_pattern": "plain", "upper_wear": "sweater",
    "lower_color": "dark grey", "lower_pattern": "plain", "lower_wear": "trousers",
    "footwear_color": "black", "footwear": "sneakers", "lighting": "day, sunshine",
    "body_shape": "tall figure", "build": "male build body", "hair_color": "black",
    "hairstyle": "crew cut, straight hair texture", "skin_color": "fair",
}  # fmt: skip
FRONT, RIGHT, BACK, LEFT = 0, 2, 4, 6  # of 8 views
ONE_OF_A_KIND = (
    "carrying a red backpack", "carrying a red shoulder bag", "holding a red handbag",
    "holding a red shopping bag", "holding a red umbrella", "wearing a red cap",
    "wearing a red beanie", "wearing a red sun hat", "wearing glasses",
)  # fmt: skip


def person(seed: int = 1, **words: str) -> Identity:
    return Identity(
        index=0, attributes={**GREY, **words}, lighting="day", prompt="", negative_prompt="",
        seed=seed,
    )  # fmt: skip


def synthesizer(
    columns: int = 8, rows: int = 1, cell: tuple[int, int] = (256, 128), world: str = "source"
) -> ProceduralSynthesizer:
    cfg = get_cfg()
    cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS, cfg.CANVAS.CELL_SIZE = columns, rows, cell
    cfg.WORLD, cfg.QUALITY.MIN_CELLS = world, 1
    return BuildSpec.from_config(cfg).build_synthesizer()


def views(identity: Identity) -> list[tuple[np.ndarray, np.ndarray]]:
    """Image and alpha of the eight views."""
    painter = synthesizer()
    drawn = painter.characters([identity])[0]
    return list(zip(painter.grid.crop(drawn.image), painter.grid.crop(drawn.alpha), strict=True))


def red(image: np.ndarray) -> np.ndarray:
    """Mask of what is strongly red."""
    r, g, b = np.moveaxis(image.astype(int), 2, 0)
    return (r > 2 * g) & (r > 2 * b) & (r > 60)


def red_areas(identity: Identity) -> list[int]:
    return [int(red(image).sum()) for image, _ in views(identity)]


def test_nobody_else_is_red() -> None:
    assert max(red_areas(person())) == 0


def test_a_backpack_is_on_the_back_with_straps_in_front() -> None:
    areas = red_areas(person(carrying="carrying a red backpack"))
    assert areas[BACK] > 1500
    assert areas[BACK] > 1.3 * max(areas[LEFT], areas[RIGHT])
    assert min(areas[LEFT], areas[RIGHT]) > 3 * areas[FRONT] > 150


@pytest.mark.parametrize("thing", ["shoulder bag", "handbag", "tote bag"])
def test_a_bag_is_at_one_side_always_the_same(thing: str) -> None:
    sides = set()
    for seed in range(1, 6):
        areas = red_areas(person(seed, carrying=f"holding a red {thing}"))
        near, far = sorted((LEFT, RIGHT), key=lambda view: -areas[view])
        assert areas[near] > 1.5 * areas[far] and areas[near] > 400
        assert areas[FRONT] > 100 and areas[BACK] > 100
        sides.add(near)
    assert sides == {LEFT, RIGHT}, "the seed chooses the side"


def test_an_umbrella_is_over_the_head_in_every_view() -> None:
    plain = views(person())
    held = views(person(carrying="holding a red umbrella"))
    for (_, alone), (image, alpha) in zip(plain, held, strict=True):
        top, head = (int(np.flatnonzero(a.max(axis=1) > 127)[0]) for a in (alpha, alone))
        assert 0 < top < head
        rows, columns = np.nonzero(red(image))
        assert np.ptp(columns) > 70 and rows.max() < head + 20  # wide, and above the face


@pytest.mark.parametrize("thing", ["cap", "beanie", "hat"])
@pytest.mark.parametrize(
    "hairstyle", ["buzz cut", "long hair, curly hair texture", "short hair, afro hair texture"]
)
def test_a_hat_is_on_the_hair_in_every_view(thing: str, hairstyle: str) -> None:
    for image, alpha in views(person(carrying=f"wearing a red {thing}", hairstyle=hairstyle)):
        top = int(np.flatnonzero(alpha.max(axis=1) > 127)[0])
        crown = (slice(top + 2, top + 15), slice(None))
        assert red(image)[crown][alpha[crown] == 255].mean() > 0.8
        rows = np.nonzero(red(image))[0]
        assert rows.max() < top + 26


@pytest.mark.parametrize("thing", ["glasses", "sunglasses"])
def test_glasses_are_seen_from_the_front_only(thing: str) -> None:
    changed = [
        int((one[0] != other[0]).any(axis=2).sum())
        for one, other in zip(
            views(person()), views(person(carrying=f"wearing {thing}")), strict=True
        )
    ]
    assert changed[FRONT] > 20 and changed[BACK] == 0
    assert changed[FRONT] > changed[LEFT] > 0 and changed[FRONT] > changed[RIGHT] > 0


@pytest.mark.parametrize("carrying", ["nothing", "carrying a ladder"])
def test_what_is_not_drawn_changes_nobody(carrying: str) -> None:
    painter = synthesizer(cell=(128, 64))
    without, other = (painter.characters([one])[0] for one in (person(), person(carrying=carrying)))
    assert (without.image == other.image).all() and (without.alpha == other.alpha).all()


def test_things_are_on_the_person_and_pass_the_quality_filter() -> None:
    """The largest person in the widest coat, and the smallest, in every third pose."""
    limits = quality.QualityLimits.from_config(get_cfg())
    for world in ("source", "shifted"):
        painter = synthesizer(7, 2, world=world)
        assert len(walking_poses(14)) == painter.grid.num_cells
        for carrying in ONE_OF_A_KIND:
            for identity in (
                person(2, upper_wear="down jacket", carrying=carrying),
                person(3, gender="woman", body_shape="petite figure", carrying=carrying),
            ):
                alpha = painter.characters([identity])[0].alpha
                for cell in painter.grid.crop(alpha):
                    assert quality.check(cell, limits) is None, (world, carrying)
                    blobs, _ = cv2.connectedComponents((cell > 127).astype(np.uint8))
                    assert blobs == 2, (world, carrying)


@pytest.mark.parametrize(
    ("words", "things"),
    [
        ("nothing", Accessories()),
        ("carrying a black rucksack", Accessories(backpack=True)),
        ("holding a plastic bag", Accessories(bag="tote")),
        ("carrying a messenger bag", Accessories(bag="shoulder")),
        ("with a leather bag", Accessories(bag="hand")),
        ("wearing a baseball cap", Accessories(hat="cap")),
        ("wearing sunglasses", Accessories(glasses="dark")),
        (
            "Wearing glasses, carrying a backpack, holding an umbrella",
            Accessories(glasses="clear", backpack=True, umbrella=True),
        ),
    ],
)
def test_keywords_name_things(words: str, things: Accessories) -> None:
    assert accessories({"carrying": words}) == things


def test_every_carried_word_of_the_street_is_drawn() -> None:
    for words in vocabulary.load("street").words.values():
        for word in words["carrying"]:
            assert (accessories({"carrying": word}) == Accessories()) == (word == "nothing"), word

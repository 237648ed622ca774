"""Prompts follow the paper's template; outfits never repeat and never contradict themselves."""

import hashlib
import json
from collections import Counter
from dataclasses import replace
from itertools import islice, pairwise, product
from pathlib import Path

import pytest

from geneperson import UserError
from geneperson.prompting.outfits import OutfitSpace, capacity, check_capacity
from geneperson.prompting.prompts import (
    NEGATIVE_PROMPT,
    Identity,
    excluded_outfits,
    identities,
    outfit_of,
    render,
)
from geneperson.prompting.vocabulary import (
    BODY,
    CARRYING,
    CURATED,
    GARMENTS,
    GENDERS,
    NOTHING,
    OUTFIT,
    STYLES,
    Vocabulary,
    load,
)
from geneperson.worlds.lighting import LIGHTINGS

PAPER_IDENTITIES = 6641


def first(
    number: int, seed: int = 0, vocabulary: Vocabulary | None = None, twins: float = 0.0
) -> list[Identity]:
    return list(islice(identities(vocabulary or load(), seed, twins=twins), number))


@pytest.fixture
def tiny(tmp_path: Path) -> Vocabulary:
    """A vocabulary of which every outfit can be listed."""
    content = json.loads(CURATED.read_text()) | {
        "upper_color": ["red", "blue"],
        "upper_pattern": ["plain", "striped"],
        "upper_wear": {"any": ["shirt", "coat"], "woman": ["blouse"]},
        "lower_color": {"any": ["black"], "man": ["white"]},
        "lower_pattern": ["plain"],
        "lower_wear": {"any": ["jeans", "shorts"], "woman": ["skirt"]},
        "footwear_color": ["black"],
        "footwear": ["boots", "sandals"],
        "contradictions": [
            {"upper_wear": ["coat"], "lower_wear": ["shorts"]},
            {"upper_wear": ["coat"], "footwear": ["sandals"]},
            {"upper_pattern": ["striped"], "upper_wear": ["coat", "blouse"]},
        ],
    }
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(content))
    return load(path)


@pytest.fixture
def weighted(tiny: Vocabulary) -> Vocabulary:
    """The same outfits, some of them a thousand times as frequent as others."""
    weights = {
        "upper_color": {"red": 1000.0, "blue": 1.0},
        "upper_wear": {"shirt": 10.0, "coat": 1.0, "blouse": 0.1},
        "footwear": {"boots": 3.0, "sandals": 1.0},
        "hair_color": {word: 1.0 + (word == "black") for word in tiny.words["man"]["hair_color"]},
    }
    return replace(tiny, weights=dict.fromkeys(GENDERS, weights))


def all_outfits(vocabulary: Vocabulary) -> set[tuple[str, ...]]:
    """List every outfit the slow way."""
    outfits = set()
    for gender in GENDERS:
        words = vocabulary.words[gender]
        for choice in product(*(words[name] for name in OUTFIT)):
            if vocabulary.compatible(dict(zip(OUTFIT, choice, strict=True))):
                outfits.add(choice)
    return outfits


def test_template_reproduces_the_papers_example() -> None:
    attributes = {
        "gender": "girl",
        "upper_color": "pink",
        "upper_pattern": "plaid",
        "upper_wear": "shirt",
        "lower_color": "black",
        "lower_pattern": "distressed",
        "lower_wear": "jeans",
        "footwear_color": "white",
        "footwear": "loafers",
        "lighting": "day, sunshine",
        "body_shape": "slim figure",
        "build": "maternal build body",
        "hair_color": "dark brown",
        "hairstyle": "waist-length hair, straight hair texture, high ponytail, bangs",
        "skin_color": "warm beige",
    }
    assert render(attributes) == (
        "girl, walking, pink plaid shirt, black distressed jeans, white loafers, day, sunshine, "
        "slim figure, maternal build body, dark brown hair color, waist-length hair, straight hair "
        "texture, high ponytail, bangs, warm beige skin, simple background, multiple views of the "
        "same character, multiple views, side view, back view, front view"
    )


def test_the_papers_example_is_within_the_curated_words() -> None:
    words = load().words["woman"]
    assert "waist-length hair, straight hair texture, high ponytail, bangs" in words["hairstyle"]
    assert "distressed" in words["lower_pattern"] and "loafers" in words["footwear"]
    assert load().compatible({"lower_pattern": "distressed", "lower_wear": "jeans"})


def test_words_without_weights_give_the_people_they_always_gave() -> None:
    people = [[one.attributes, one.prompt, one.seed] for one in first(500)]
    digest = hashlib.sha256(json.dumps(people).encode()).hexdigest()
    assert digest == "03c2252fe01ff8302308a7d1ae19bf04a62d76f9b29047bdd3aa8bf174215416"


@pytest.mark.parametrize(("name", "most"), [("", 1.1), ("street", 1.5)])
def test_as_many_identities_as_the_paper_without_a_repeated_outfit(
    monkeypatch: pytest.MonkeyPatch, name: str, most: float
) -> None:
    looked_at = []
    look_up = OutfitSpace.outfit

    def counted(space: OutfitSpace, number: int) -> tuple[str, ...]:
        looked_at.append(number)
        return look_up(space, number)

    monkeypatch.setattr(OutfitSpace, "outfit", counted)
    people = first(PAPER_IDENTITIES, vocabulary=load(name))
    assert len(people) == PAPER_IDENTITIES
    assert len({outfit_of(one) for one in people}) == PAPER_IDENTITIES
    assert [one.index for one in people] == list(range(PAPER_IDENTITIES))
    assert len({one.seed for one in people}) > 0.99 * PAPER_IDENTITIES
    # A quadratic search for free outfits would look at millions.
    assert PAPER_IDENTITIES <= len(looked_at) < most * PAPER_IDENTITIES


@pytest.mark.parametrize("name", ["", "street"])
def test_no_identity_contradicts_the_vocabulary(name: str) -> None:
    vocabulary = load(name)
    for one in first(2000, vocabulary=vocabulary, twins=0.3):
        words = vocabulary.words[one.attributes["gender"]]
        assert vocabulary.compatible(one.attributes)
        for name in (*OUTFIT, *BODY):
            assert one.attributes[name] in words[name]
        for names in (*GARMENTS.values(), STYLES, BODY):
            assert vocabulary.compatible({name: one.attributes[name] for name in names})
        assert not (
            one.attributes["lower_pattern"] == "distressed"
            and one.attributes["lower_wear"] not in ("jeans", "denim shorts")
        )


def test_every_word_is_used_and_genders_are_balanced() -> None:
    people = first(3000)
    used = {(name, word) for one in people for name, word in one.attributes.items()}
    for words in load().words.values():
        for name, listed in words.items():
            assert not [word for word in listed if (name, word) not in used]
    assert {one.attributes["lighting"] for one in people} == {light.prompt for light in LIGHTINGS}
    assert 0.45 < Counter(one.attributes["gender"] for one in people)["woman"] / 3000 < 0.55


def test_prompts_are_of_adults_and_exclude_children_and_nudity() -> None:
    for one in first(200):
        assert one.attributes["gender"] in ("woman", "man")
        assert one.prompt.startswith(f"{one.attributes['gender']}, walking, ")
        assert one.negative_prompt == NEGATIVE_PROMPT
    assert {"child", "teenager", "underage", "nude", "nsfw"} <= set(NEGATIVE_PROMPT.split(", "))


@pytest.mark.parametrize("name", ["", "street"])
@pytest.mark.parametrize("twins", [0.0, 0.4])
def test_stream_has_the_prefix_property_and_depends_on_the_seed(name: str, twins: float) -> None:
    people = first(500, 0, load(name), twins)
    assert first(5, 0, load(name), twins) == people[:5]
    assert first(5, 1, load(name), twins) != people[:5]


def test_capacity_counts_every_outfit_once(tiny: Vocabulary) -> None:
    assert capacity(tiny) == len(all_outfits(tiny))


@pytest.mark.parametrize("twins", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("words", ["tiny", "weighted"])
def test_stream_uses_up_every_outfit_and_then_ends(
    request: pytest.FixtureRequest, words: str, twins: float
) -> None:
    vocabulary = request.getfixturevalue(words)
    people = first(10_000, vocabulary=vocabulary, twins=twins)
    assert sorted(outfit_of(one) for one in people) == sorted(all_outfits(vocabulary))


def test_weights_are_the_shares_of_words(tmp_path: Path) -> None:
    content = json.loads(CURATED.read_text()) | {
        "upper_color": {"red": 6, "blue": 1, "green": 3},
        "footwear": {"sneakers": 8, "boots": 2},
        "skin_color": {"tan": 1, "fair": 4},
        "contradictions": [],
    }
    path = tmp_path / "own.json"
    path.write_text(json.dumps(content))
    people = first(3000, vocabulary=load(path))
    for name, word, share in (
        ("upper_color", "red", 0.6),
        ("upper_color", "blue", 0.1),
        ("footwear", "boots", 0.2),
        ("skin_color", "tan", 0.2),
        ("upper_pattern", "plain", 1 / 9),
    ):
        found = sum(one.attributes[name] == word for one in people) / 3000
        assert found == pytest.approx(share, abs=0.03), (name, word)


def test_frequent_outfits_come_first(weighted: Vocabulary) -> None:
    people = first(10_000, vocabulary=weighted)
    colors = [one.attributes["upper_color"] for one in people]
    half = len(colors) // 2
    assert colors[:half].count("red") > 0.75 * half > 2 * colors[half:].count("red")


def test_the_street_is_plain_and_dark_and_its_people_carry_things() -> None:
    people = [one.attributes for one in first(PAPER_IDENTITIES, vocabulary=load("street"))]
    dark = {"black", "dark grey", "navy blue"}
    plain = sum(one["upper_pattern"] == "plain" for one in people) / PAPER_IDENTITIES
    dark_on_dark = sum({one["upper_color"], one["lower_color"]} <= dark for one in people)
    assert 0.60 < plain < 0.70
    assert 0.25 < dark_on_dark / PAPER_IDENTITIES < 0.35
    carried = Counter(one["carrying"] for one in people)
    assert carried.most_common(1)[0][0] == NOTHING
    assert set(carried) == set(load("street").words["woman"][CARRYING])
    assert capacity(load("street")) > 100 * PAPER_IDENTITIES


def test_hair_of_the_street_goes_with_age_and_skin() -> None:
    people = [one.attributes for one in first(4000, vocabulary=load("street"))]
    for one in people:
        aged, old = "aged" in one["body_shape"], "elderly" in one["body_shape"]
        assert aged or old or one["hair_color"] not in ("grey", "silver white")
        assert not old or one["hair_color"] in ("grey", "silver white")
        if one["skin_color"] in ("brown", "dark brown", "deep ebony"):
            assert "blonde" not in one["hair_color"] and one["hair_color"] != "ginger"
    assert any("elderly" in one["body_shape"] for one in people)


def test_the_prompt_has_words_for_what_is_carried_only(tiny: Vocabulary) -> None:
    attributes = first(1)[0].attributes
    assert render(attributes | {"carrying": NOTHING}) == render(attributes)
    lighting = attributes["lighting"]
    assert render(attributes | {"carrying": "holding a red umbrella"}) == render(
        attributes
    ).replace(f", {lighting}", f", holding a red umbrella, {lighting}")
    words = {gender: tiny.words[gender] | {CARRYING: (NOTHING,)} for gender in GENDERS}
    people = first(20, vocabulary=replace(tiny, words=words))
    assert [one.attributes[CARRYING] for one in people] == [NOTHING] * 20
    assert [one.prompt for one in people] == [one.prompt for one in first(20, vocabulary=tiny)]


def differing(one: Identity, other: Identity) -> list[str]:
    return [name for name in one.attributes if one.attributes[name] != other.attributes[name]]


@pytest.mark.parametrize("name", ["", "street"])
def test_twins_differ_from_the_one_before_in_one_word_of_the_outfit(name: str) -> None:
    people = first(1000, vocabulary=load(name), twins=0.2)
    assert len({outfit_of(one) for one in people}) == 1000
    changed = Counter()
    for before, one in pairwise(people):
        names = differing(before, one)
        if one.index % 5 == 4:
            assert len(names) == 1 and names[0] in OUTFIT
            assert one.seed != before.seed and one.lighting == before.lighting
            assert one.prompt == render(one.attributes)
            changed[names[0]] += 1
        else:
            assert len(names) > 1
    assert set(changed) == set(OUTFIT)
    assert [one.index for one in people] == list(range(1000))


def test_every_share_of_twins_is_met() -> None:
    for share in (0.05, 0.3, 0.5, 1.0):
        people = first(400, twins=share)
        twins = sum(len(differing(*pair)) == 1 for pair in pairwise(people))
        assert abs(twins - 400 * share) <= 1


def test_too_many_identities_are_refused_with_both_numbers(tiny: Vocabulary) -> None:
    available = len(all_outfits(tiny))
    check_capacity(tiny, available)
    with pytest.raises(UserError, match=f"{available + 1} identities .* only {available}"):
        check_capacity(tiny, available + 1)


def test_excluded_outfits_are_not_worn(tiny: Vocabulary) -> None:
    """In a vocabulary so small that two streams share nearly every outfit."""
    number = len(all_outfits(tiny)) // 2
    theirs = {outfit_of(person) for person in first(number, 0, tiny)}
    assert theirs & {outfit_of(person) for person in identities(tiny, 1)}
    excluded = excluded_outfits(tiny, [(0, number)])
    assert excluded == theirs
    rest = [outfit_of(person) for person in identities(tiny, 1, excluded)]
    assert set(rest) == all_outfits(tiny) - theirs and len(rest) == len(set(rest))
    assert excluded_outfits(tiny, []) == frozenset()


def test_excluded_outfits_are_those_of_twins_too() -> None:
    theirs = {outfit_of(person) for person in first(50, 3, twins=0.5)}
    assert excluded_outfits(load(), [(3, 50)], twins=0.5) == theirs
    assert excluded_outfits(load(), [(3, 50)]) != theirs

"""Prompts follow the paper's template; outfits never repeat and never contradict themselves."""

import json
from collections import Counter
from itertools import islice, product
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
    CURATED,
    GARMENTS,
    GENDERS,
    OUTFIT,
    STYLES,
    Vocabulary,
    load,
)
from geneperson.worlds.lighting import LIGHTINGS

PAPER_IDENTITIES = 6641


def first(number: int, seed: int = 0, vocabulary: Vocabulary | None = None) -> list[Identity]:
    return list(islice(identities(vocabulary or load(), seed), number))


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


def test_as_many_identities_as_the_paper_without_a_repeated_outfit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at = []
    look_up = OutfitSpace.outfit

    def counted(space: OutfitSpace, number: int) -> tuple[str, ...]:
        looked_at.append(number)
        return look_up(space, number)

    monkeypatch.setattr(OutfitSpace, "outfit", counted)
    people = first(PAPER_IDENTITIES)
    assert len(people) == PAPER_IDENTITIES
    assert len({outfit_of(one) for one in people}) == PAPER_IDENTITIES
    assert [one.index for one in people] == list(range(PAPER_IDENTITIES))
    assert len({one.seed for one in people}) > 0.99 * PAPER_IDENTITIES
    # A quadratic search for free outfits would look at millions.
    assert PAPER_IDENTITIES <= len(looked_at) < 1.1 * PAPER_IDENTITIES


def test_no_identity_contradicts_the_vocabulary() -> None:
    vocabulary = load()
    for one in first(2000):
        words = vocabulary.words[one.attributes["gender"]]
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


def test_stream_has_the_prefix_property_and_depends_on_the_seed() -> None:
    assert first(5) == first(500)[:5]
    assert first(5) != first(5, seed=1)


def test_capacity_counts_every_outfit_once(tiny: Vocabulary) -> None:
    assert capacity(tiny) == len(all_outfits(tiny))


def test_stream_uses_up_every_outfit_and_then_ends(tiny: Vocabulary) -> None:
    people = first(10_000, vocabulary=tiny)
    assert sorted(outfit_of(one) for one in people) == sorted(all_outfits(tiny))


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

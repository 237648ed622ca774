"""Captions of a generated image: a few of its facts, or many, in different forms.

People name one thing or several, and in any order: "a woman with long hair", "a person at night in
a red striped shirt". Some captions have the form of DPPP's prompts, with style words before "style
of a" and content words before "person", so that the text tower knows both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .facts import SEEN, Fact, Place, hair_phrases

_T = TypeVar("_T")
_Phrase = tuple[str, list[Fact]]  # words, and the facts that they state

NOTHING = "nothing"  # is carried
# Attributes that captions state, of a person and of a place.
STATED = (
    *("gender", "upper_color", "upper_pattern", "upper_wear"),
    *("lower_color", "lower_pattern", "lower_wear", "footwear_color", "footwear"),
    *("hairstyle", "hair_color", "body_shape", "skin_color", "carrying"),
    *SEEN,
)
_WHERE = {
    "street": "on a street",
    "commercial": "in front of a shop",
    "park": "in a park",
    "field": "in a field",
    "residential": "in front of a house",
    "indoor": "indoors",
}
# A lighting in a sentence, and as a style.
_WHEN = {
    "day": ("on a sunny day", "in sunshine"),
    "overcast": ("under an overcast sky", "on a cloudy day"),
    "morning": ("in the early morning", "in soft morning light"),
    "noon": ("at noon", "in the bright noon sun"),
    "sunset": ("at sunset", "in golden evening light"),
    "dusk": ("at dusk", "after sunset"),
    "night": ("at night", "in the dark"),
    "fog": ("in fog", "on a foggy day"),
    "lamplight": ("under neon light", "in artificial light"),
}
_LIGHT_STYLE = {
    "day": ("sunny", "day"),
    "overcast": ("overcast", "cloudy"),
    "morning": ("morning", "early morning"),
    "noon": ("noon", "bright noon"),
    "sunset": ("sunset", "golden"),
    "dusk": ("dusk", "dim"),
    "night": ("night", "dark"),
    "fog": ("foggy", "misty"),
    "lamplight": ("neon", "artificial light"),
}
# How many parts of a person a caption names, and how often each part is among them.
_NUM_PARTS, _SHARE_OF_NUMBER = (1, 2, 3, 5), (0.3, 0.25, 0.25, 0.2)
_PARTS = ("upper", "lower", "footwear", "hair", "body", "skin")
_SHARE_OF_PART = (0.32, 0.26, 0.12, 0.2, 0.05, 0.05)
_MOST_HAIR_PHRASES = 4
# Probability that a garment's color or pattern is named, and what somebody carries.
_COLOR, _PATTERN, _CARRIED = 0.75, 0.5, 0.5


@dataclass(frozen=True, kw_only=True)
class Caption:
    """A sentence, and all that it says.

    Attributes:
        text: the sentence.
        facts: which must hold for it to be true.
    """

    text: str
    facts: frozenset[Fact]


def caption(attributes: Mapping[str, str], place: Place, rng: np.random.Generator) -> Caption:
    """Return a random true sentence about an image.

    Args:
        attributes: of the person, from identities.jsonl.
        place: where the person is seen.
        rng: source of every choice.
    """
    form = rng.random()
    if form < 0.55:
        words, facts = _sentence(attributes, place, rng)
    elif form < 0.72:
        content, facts = _content(attributes, rng)
        words = f"a photo of a {content} person"
    elif form < 0.82:
        style, facts = _style(place, rng)
        words = f"a {style} style of a person"
    else:
        style, seen = _style(place, rng)
        content, person = _content(attributes, rng)
        words, facts = f"a {style} style of a {content} person", seen + person
    return Caption(text=words, facts=frozenset(facts))


def sentences(
    attributes: Mapping[str, str],
    place: Place,
    name: str,
    words: Sequence[str],
    rng: np.random.Generator,
) -> list[Caption]:
    """Return one random sentence several times, each time with another word for one attribute.

    Args:
        attributes: of a person, of whom the rest of the sentence is true.
        place: where the person is seen.
        name: the attribute, of ``STATED``.
        words: for it.
        rng: source of every choice.

    Returns:
        The different sentences, fewer than words where hairstyles have parts in common.
    """
    said = [_with_word(attributes, place, name, word) for word in words]
    drawn: list[Caption] = []
    while not drawn:
        seed = int(rng.integers(2**62))
        if _states(caption(*said[0], np.random.default_rng(seed)), name):
            drawn = [caption(*one, np.random.default_rng(seed)) for one in said]
    return list({one.text: one for one in drawn if _states(one, name)}.values())


def full_caption(attributes: Mapping[str, str]) -> str:
    """Return a description of the whole outfit and hair color, as a search for a person has it."""
    outfit = [_garment(attributes, part)[0] for part in ("upper", "lower")]
    outfit.append("{footwear_color} {footwear}".format_map(attributes))
    hair = f"{attributes['hair_color']} hair"
    return f"a {attributes['gender']} in a {' and '.join(outfit)} with {hair}"


def light_caption(lighting: str) -> str:
    """Return a sentence about the light alone."""
    return f"a photo of a person {_WHEN[lighting][0]}"


def _with_word(
    attributes: Mapping[str, str], place: Place, name: str, word: str
) -> tuple[Mapping[str, str], Place]:
    if name in SEEN:
        return attributes, place.with_word(name, word)
    return {**attributes, name: word}, place


def _states(stated: Caption, name: str) -> bool:
    return any(known == name for known, _ in stated.facts)


def _sentence(attributes: Mapping[str, str], place: Place, rng: np.random.Generator) -> _Phrase:
    num_parts = int(rng.choice(_NUM_PARTS, p=_SHARE_OF_NUMBER))
    who, facts = "person", []
    if rng.random() < 0.6:
        who, facts = attributes["gender"], [("gender", attributes["gender"])]
        num_parts -= 1
    phrases = _parts(attributes, num_parts, rng)
    clothes = [words for part, words, _ in phrases if part in ("upper", "lower", "footwear")]
    body = [words for part, words, _ in phrases if part in ("hair", "body", "skin")]
    facts += [fact for _, _, stated in phrases for fact in stated]
    article = "a " if rng.random() < 0.7 else ""
    wears = [f"in {article}{' and '.join(clothes)}"] if clothes else []
    has = [f"with {' and '.join(body)}"] if body else []
    carried = attributes.get("carrying", NOTHING)
    if rng.random() < _CARRIED and carried != NOTHING:
        has.append(carried)
        facts.append(("carrying", carried))
    context: list[_Phrase] = []
    if rng.random() < (0.35 if facts else 0.9):
        when = str(rng.choice(_WHEN.get(place.lighting, (place.lighting,))))
        context = [
            (_WHERE.get(place.scene, place.scene), [("scene", place.scene)]),
            (when, [("lighting", place.lighting)]),
            (f"from the {place.view}", [("view", place.view)]),
        ]
        context = _shuffled(context, rng)[: rng.integers(1, 3)]
        facts += [fact for _, stated in context for fact in stated]
    start = f"a {'photo of a ' if rng.random() < 0.5 else ''}{who}"
    return " ".join([start, *_shuffled(wears + has, rng), *(words for words, _ in context)]), facts


def _content(attributes: Mapping[str, str], rng: np.random.Generator) -> _Phrase:
    """Return content words, as DPPP's prompts have them before "person"."""
    num_parts = int(rng.choice(_NUM_PARTS, p=_SHARE_OF_NUMBER))
    phrases = [(words, facts) for _, words, facts in _parts(attributes, num_parts, rng)]
    if rng.random() < 0.5:
        gender = attributes["gender"]
        phrases = _shuffled([(gender, [("gender", gender)]), *phrases], rng)
    return _joined(phrases)


def _style(place: Place, rng: np.random.Generator) -> _Phrase:
    """Return style words: light, scene, view and quality of the picture, one to three of them."""
    light = str(rng.choice(_LIGHT_STYLE.get(place.lighting, (place.lighting,))))
    styles: list[_Phrase] = [
        (light, [("lighting", place.lighting)]),
        (place.scene, [("scene", place.scene)]),
        (f"{place.view} view", [("view", place.view)]),
        *((words, [("camera", words)]) for words in place.camera),
    ]
    return _joined(_shuffled(styles, rng)[: rng.integers(1, 4)])


def _parts(
    attributes: Mapping[str, str], number: int, rng: np.random.Generator
) -> list[tuple[str, str, list[Fact]]]:
    """Return some parts of a person: (part, words, facts), in random order."""
    if number < 1:
        return []
    chosen = rng.choice(_PARTS, size=number, replace=False, p=_SHARE_OF_PART)
    return [(str(part), *_part(attributes, str(part), rng)) for part in chosen]


def _part(attributes: Mapping[str, str], part: str, rng: np.random.Generator) -> _Phrase:
    if part in ("upper", "lower"):
        return _garment(attributes, part, rng)
    if part == "hair":
        return _hair(attributes, rng)
    if part == "footwear":
        names = ["footwear_color", "footwear"] if rng.random() < 0.8 else ["footwear"]
        return " ".join(attributes[x] for x in names), [(x, attributes[x]) for x in names]
    if part == "body":
        return attributes["body_shape"], [("body_shape", attributes["body_shape"])]
    return f"{attributes['skin_color']} skin", [("skin_color", attributes["skin_color"])]


def _garment(
    attributes: Mapping[str, str], part: str, rng: np.random.Generator | None = None
) -> _Phrase:
    """Return a garment: all of its words or, with ``rng``, the style and some of the others."""
    names = [f"{part}_wear"]
    if rng is None or rng.random() < _PATTERN:
        names.insert(0, f"{part}_pattern")
    if rng is None or rng.random() < _COLOR:
        names.insert(0, f"{part}_color")
    return " ".join(attributes[x] for x in names), [(x, attributes[x]) for x in names]


def _hair(attributes: Mapping[str, str], rng: np.random.Generator) -> _Phrase:
    *named, with_color = rng.random(_MOST_HAIR_PHRASES + 1)  # as many for every hairstyle
    phrases = zip(hair_phrases(attributes), named, strict=False)
    style = [words for words, number in phrases if number < 0.5]
    facts = [("hairstyle", words) for words in style]
    if not style or with_color < 0.7:
        style.append(attributes["hair_color"])
        facts.append(("hair_color", attributes["hair_color"]))
    return " ".join([*style, "hair"]), facts


def _joined(phrases: Sequence[_Phrase]) -> _Phrase:
    return " ".join(words for words, _ in phrases), [x for _, facts in phrases for x in facts]


def _shuffled(items: Sequence[_T], rng: np.random.Generator) -> list[_T]:
    return [items[i] for i in rng.permutation(len(items))]

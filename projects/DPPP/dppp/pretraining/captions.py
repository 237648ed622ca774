"""Captions of a generated image: some words of its prompt, and the scene, lighting and view.

An image has many captions. Each names only some of the attributes, as people do, so the text tower
learns what each word means. Some have the form of DPPP's prompts, with style words before "style
of a" and content words before "person".
"""

from collections.abc import Mapping, Sequence

import numpy as np

_WHERE = {
    "street": "on a street",
    "commercial": "in front of a shop",
    "park": "in a park",
    "field": "in a field",
    "residential": "in front of a house",
    "indoor": "indoors",
}
_WHEN = {
    "day": "on a sunny day",
    "overcast": "under an overcast sky",
    "morning": "in the early morning",
    "noon": "at noon",
    "sunset": "at sunset",
    "dusk": "at dusk",
    "night": "at night",
    "fog": "in fog",
    "lamplight": "under neon light",
}
_MIRRORED = {"left": "right", "right": "left"}
_BODY_WORDS = ("hair", "figure", "skin")  # last words of what a person has, but does not wear
# Probability that a part of a person is named, and that a garment's color or pattern is.
_NAMED = {"upper": 0.9, "lower": 0.75, "footwear": 0.4, "hair": 0.4, "body": 0.2, "skin": 0.2}
_COLOR, _PATTERN = 0.85, 0.7


def caption(
    attributes: Mapping[str, str], scene: str, lighting: str, view: str, rng: np.random.Generator
) -> str:
    """Return a random true sentence about an image.

    Args:
        attributes: of the person, from identities.jsonl.
        scene: of the image, from images.jsonl.
        lighting: likewise.
        view: likewise, with spaces for hyphens.
        rng: source of every choice.
    """
    phrases = describe(attributes, rng)
    form = rng.random()
    if form < 0.25:
        return f"a photo of a {' '.join(_shuffled(phrases, rng))} person"
    style = [scene, lighting, f"{view} view"]
    if form < 0.5:
        chosen = _shuffled(style, rng)[: rng.integers(1, 4)]
        return f"a {' '.join(chosen)} style of a {' '.join(_shuffled(phrases, rng))} person"
    who = attributes["gender"] if rng.random() < 0.85 else "person"
    clothes = [phrase for phrase in phrases if not phrase.endswith(_BODY_WORDS)]
    body = [phrase for phrase in phrases if phrase not in clothes]
    context = [_WHERE.get(scene, scene), _WHEN.get(lighting, lighting), f"from the {view}"]
    sentence = f"a {'photo of a ' if rng.random() < 0.5 else ''}{who}"
    sentence += f" in a {' and '.join(clothes)}" if clothes else ""
    sentence += f" with {' and '.join(body)}" if body else ""
    return " ".join([sentence, *_shuffled(context, rng)[: rng.integers(0, 3)]])


def full_caption(attributes: Mapping[str, str]) -> str:
    """Return a description of the whole outfit and hair color, as a search for a person has it."""
    outfit = [_garment(attributes, part) for part in ("upper", "lower")]
    outfit.append("{footwear_color} {footwear}".format_map(attributes))
    hair = f"{attributes['hair_color']} hair"
    return f"a {attributes['gender']} in a {' and '.join(outfit)} with {hair}"


def mirrored(view: str) -> str:
    """Return the name of a view in the mirror: "front right" for "front left"."""
    return " ".join(_MIRRORED.get(word, word) for word in view.replace("-", " ").split())


def describe(attributes: Mapping[str, str], rng: np.random.Generator) -> list[str]:
    """Return phrases for some parts of a person, at least one, each with some of its words."""
    named = [part for part, share in _NAMED.items() if rng.random() < share] or ["upper"]
    phrases = []
    for part in named:
        if part in ("upper", "lower"):
            phrases.append(_garment(attributes, part, rng))
        elif part == "footwear":
            phrases.append(f"{attributes['footwear_color']} {attributes['footwear']}")
        elif part == "hair":
            # Leaves out "long hair" and "hair bun": captions never use them.
            words = attributes["hairstyle"].replace(" hair texture", "").split(", ")
            chosen = [word for word in words if "hair" not in word and rng.random() < 0.5]
            phrases.append(" ".join([*chosen, attributes["hair_color"], "hair"]))
        elif part == "body":
            phrases.append(attributes["body_shape"])
        else:
            phrases.append(f"{attributes['skin_color']} skin")
    return phrases


def _garment(
    attributes: Mapping[str, str], part: str, rng: np.random.Generator | None = None
) -> str:
    """Return a garment's words: all of them or, with ``rng``, the style and some of the others."""
    color, pattern = attributes[f"{part}_color"], attributes[f"{part}_pattern"]
    words = [attributes[f"{part}_wear"]]
    if rng is None or rng.random() < _PATTERN:
        words.insert(0, pattern)
    if rng is None or rng.random() < _COLOR:
        words.insert(0, color)
    return " ".join(words)


def _shuffled(items: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [items[i] for i in rng.permutation(len(items))]

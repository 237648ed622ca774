"""Character prompts: the paper's template, filled so that no two identities wear the same outfit.

An outfit is color, pattern and style of upper and lower wear, and color and style of footwear.
All outfits that a gender can wear without contradiction form one numbered space
(:class:`OutfitSpace`). An identity draws a number from its own random stream; if that outfit is
taken, the next free one is used. So the stream never repeats an outfit, can use a vocabulary up to
its last outfit, and the first five identities of a large set are those of a small one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, count, islice, product
from math import prod

import numpy as np

from .. import seeding
from ..errors import UserError
from ..worlds.lighting import LIGHTINGS, NEUTRAL, NEUTRAL_PROMPT, get_lighting
from .vocabulary import BODY, GARMENTS, GENDERS, OUTFIT, STYLES, Vocabulary

# What makes one canvas show one person from all sides; the same in every prompt.
SHEET = (
    "simple background, multiple views of the same character, multiple views, "
    "side view, back view, front view"
)
TEMPLATE = (
    "{gender}, walking, {upper_color} {upper_pattern} {upper_wear}, "
    "{lower_color} {lower_pattern} {lower_wear}, {footwear_color} {footwear}, {lighting}, "
    "{body_shape}, {build}, {hair_color} hair color, {hairstyle}, {skin_color} skin, " + SHEET
)
NEGATIVE_PROMPT = (
    "child, kid, toddler, baby, teenager, underage, nude, naked, nsfw, underwear, lingerie, "
    "cropped, cut off, extra limbs, missing limbs, bad anatomy, deformed, several people, crowd, "
    "lowres, blurry, jpeg artifacts, text, watermark, logo"
)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One person to draw.

    Attributes:
        index: candidate number, from 0; it does not depend on how many candidates are accepted.
        attributes: attribute name -> word, the gender and the prompt's lighting included.
        lighting: name of the lighting in the prompt; ``NEUTRAL`` for none of the nine.
        prompt: the filled template.
        negative_prompt: what must not be drawn; the same for all identities.
        seed: seed for drawing this person, in 0 .. 2**31 - 1.
    """

    index: int
    attributes: dict[str, str]
    lighting: str
    prompt: str
    negative_prompt: str
    seed: int


def render(attributes: dict[str, str]) -> str:
    """Fill the paper's template with one word per attribute."""
    return TEMPLATE.format(**attributes)


def under_light(identity: Identity, lighting: str) -> Identity:
    """Return the same person under another light.

    Args:
        identity: the person.
        lighting: ``NEUTRAL``, or the name of a lighting.
    """
    words = NEUTRAL_PROMPT if lighting == NEUTRAL else get_lighting(lighting).prompt
    attributes = identity.attributes | {"lighting": words}
    return replace(identity, attributes=attributes, lighting=lighting, prompt=render(attributes))


class OutfitSpace:
    """All outfits one gender can wear without contradiction, numbered 0 .. size - 1.

    The numbers run over the triples of styles (upper wear, lower wear, footwear) that go together,
    and within a triple over the colors and patterns of its three garments.
    """

    def __init__(self, vocabulary: Vocabulary, gender: str) -> None:
        words = vocabulary.words[gender]
        # (attribute of the style, style) -> its (color, pattern, style) words
        variants: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for names in GARMENTS.values():
            for variant in product(*(words[name] for name in names)):
                if vocabulary.compatible(dict(zip(names, variant, strict=True))):
                    variants.setdefault((names[-1], variant[-1]), []).append(variant)
        self.garments: dict[tuple[str, ...], list[list[tuple[str, ...]]]] = {}
        for styles in product(*(words[name] for name in STYLES)):
            keys = list(zip(STYLES, styles, strict=True))
            if vocabulary.compatible(dict(keys)) and all(key in variants for key in keys):
                self.garments[styles] = [variants[key] for key in keys]
        self._triples = list(self.garments.values())
        sizes = (prod(len(garment) for garment in triple) for triple in self._triples)
        self._starts = [0, *accumulate(sizes)]
        self.size = self._starts[-1]

    def outfit(self, number: int) -> tuple[str, ...]:
        """Return the words of an outfit, in the order of ``vocabulary.OUTFIT``."""
        triple = bisect_right(self._starts, number) - 1
        upper, lower, footwear = self._triples[triple]
        rest, third = divmod(number - self._starts[triple], len(footwear))
        first, second = divmod(rest, len(lower))
        return upper[first] + lower[second] + footwear[third]

    def draw(self, taken: set[tuple[str, ...]], rng: np.random.Generator) -> tuple[str, ...] | None:
        """Draw an outfit that is not taken; None if all are.

        A triple of styles is drawn first, so that a style with few patterns is not rare.
        """
        if not self.size:
            return None
        triple = int(rng.integers(len(self._triples)))
        drawn = int(rng.integers(self._starts[triple], self._starts[triple + 1]))
        for step in range(self.size):
            outfit = self.outfit((drawn + step) % self.size)
            if outfit not in taken:
                return outfit
        return None


def capacity(vocabulary: Vocabulary) -> int:
    """Count the different outfits of a vocabulary, women's and men's together."""
    women, men = (OutfitSpace(vocabulary, gender) for gender in GENDERS)
    shared = sum(
        prod(
            len(set(hers) & set(his))
            for hers, his in zip(garments, men.garments[styles], strict=True)
        )
        for styles, garments in women.garments.items()
        if styles in men.garments
    )
    return women.size + men.size - shared


def check_capacity(vocabulary: Vocabulary, num_identities: int) -> None:
    """Refuse a number of identities for which the vocabulary has too few outfits.

    Raises:
        UserError: with both numbers.
    """
    available = capacity(vocabulary)
    if num_identities > available:
        raise UserError(
            f"{num_identities} identities need as many different outfits, but the vocabulary has "
            f"only {available}; add colors, patterns or styles to it, or build fewer identities"
        )


def excluded_outfits(
    vocabulary: Vocabulary, pairs: Iterable[tuple[int, int]]
) -> frozenset[tuple[str, ...]]:
    """Return the outfits of the first identities of other seeds.

    Args:
        vocabulary: the words of both.
        pairs: (seed, number of its first identities).
    """
    return frozenset(
        outfit_of(identity)
        for seed, number in pairs
        for identity in islice(identities(vocabulary, seed), number)
    )


def outfit_of(identity: Identity) -> tuple[str, ...]:
    """Return the words of an identity's outfit, in the order of ``vocabulary.OUTFIT``."""
    return tuple(identity.attributes[name] for name in OUTFIT)


def identities(
    vocabulary: Vocabulary, seed: int, excluded: Collection[tuple[str, ...]] = ()
) -> Iterator[Identity]:
    """Yield identities until the vocabulary has no outfit left.

    The stream depends on the arguments only, never on how many identities are taken from it.

    Args:
        vocabulary: the words to draw from.
        seed: of the stream.
        excluded: outfits that no identity wears.
    """
    spaces = {gender: OutfitSpace(vocabulary, gender) for gender in GENDERS}
    taken = set(excluded)
    for index in count():
        rng = seeding.rng(seed, "identity", index)
        gender = GENDERS[rng.integers(len(GENDERS))]
        outfit = spaces[gender].draw(taken, rng)
        if outfit is None:  # this gender has worn all its outfits, the other perhaps not
            gender = GENDERS[1 - GENDERS.index(gender)]
            outfit = spaces[gender].draw(taken, rng)
            if outfit is None:
                return
        taken.add(outfit)
        lighting = LIGHTINGS[rng.integers(len(LIGHTINGS))]
        attributes = {
            "gender": gender,
            **dict(zip(OUTFIT, outfit, strict=True)),
            "lighting": lighting.prompt,
            **_draw_body(vocabulary, gender, rng),
        }
        drawing_seed = int(rng.integers(2**31))
        yield Identity(
            index=index,
            attributes=attributes,
            lighting=lighting.name,
            prompt=render(attributes),
            negative_prompt=NEGATIVE_PROMPT,
            seed=drawing_seed,
        )


def _draw_body(vocabulary: Vocabulary, gender: str, rng: np.random.Generator) -> dict[str, str]:
    """Draw body, hair and skin words that do not contradict each other."""
    words = vocabulary.words[gender]
    for _ in range(1000):
        body = {name: words[name][rng.integers(len(words[name]))] for name in BODY}
        if vocabulary.compatible(body):
            return body
    raise UserError(
        f"the vocabulary's contradictions exclude every body for '{gender}'; remove some of those "
        f"about {', '.join(BODY)}"
    )

"""Character prompts: the paper's template, filled so that no two identities wear the same outfit.

An outfit is color, pattern and style of upper and lower wear, and color and style of footwear.
All outfits that a gender can wear without contradiction form one numbered space
(:class:`OutfitSpace`). An identity draws a number from its own random stream; if that outfit is
taken, another is drawn by weight or the next free one is used. So the stream never repeats an
outfit, can use a vocabulary up to its last outfit, and the first five identities of a large set are
those of a small one. A share of the identities can be twins of the one before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate, count, islice

import numpy as np

from .. import seeding
from ..errors import UserError
from ..worlds.lighting import LIGHTINGS, NEUTRAL, NEUTRAL_PROMPT, get_lighting
from .outfits import OutfitSpace, pick, weigh
from .vocabulary import BODY, CARRYING, GENDERS, NOTHING, OUTFIT, Vocabulary

# What makes one canvas show one person from all sides; the same in every prompt.
SHEET = (
    "simple background, multiple views of the same character, multiple views, "
    "side view, back view, front view"
)
TEMPLATE = (
    "{gender}, walking, {upper_color} {upper_pattern} {upper_wear}, "
    "{lower_color} {lower_pattern} {lower_wear}, {footwear_color} {footwear}, {carried}{lighting}, "
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
        cells: numbers of the cells that are looked at; None for all. What draws cell by cell leaves
            the others empty.
    """

    index: int
    attributes: dict[str, str]
    lighting: str
    prompt: str
    negative_prompt: str
    seed: int
    cells: tuple[int, ...] | None = None


def render(attributes: dict[str, str]) -> str:
    """Fill the paper's template with one word per attribute, and with what is carried, if any."""
    carrying = attributes.get(CARRYING, NOTHING)
    carried = "" if carrying == NOTHING else f"{carrying}, "
    return TEMPLATE.format(**attributes, carried=carried)


def under_light(identity: Identity, lighting: str) -> Identity:
    """Return the same person under another light.

    Args:
        identity: the person.
        lighting: ``NEUTRAL``, or the name of a lighting.
    """
    words = NEUTRAL_PROMPT if lighting == NEUTRAL else get_lighting(lighting).prompt
    attributes = identity.attributes | {"lighting": words}
    return replace(identity, attributes=attributes, lighting=lighting, prompt=render(attributes))


def excluded_outfits(
    vocabulary: Vocabulary, pairs: Iterable[tuple[int, int]], twins: float = 0.0
) -> frozenset[tuple[str, ...]]:
    """Return the outfits of the first identities of other seeds.

    Args:
        vocabulary: the words of both.
        pairs: (seed, number of its first identities).
        twins: share of twins of both.
    """
    return frozenset(
        outfit_of(identity)
        for seed, number in pairs
        for identity in islice(identities(vocabulary, seed, twins=twins), number)
    )


def outfit_of(identity: Identity) -> tuple[str, ...]:
    """Return the words of an identity's outfit, in the order of ``vocabulary.OUTFIT``."""
    return tuple(identity.attributes[name] for name in OUTFIT)


def identities(
    vocabulary: Vocabulary,
    seed: int,
    excluded: Collection[tuple[str, ...]] = (),
    twins: float = 0.0,
) -> Iterator[Identity]:
    """Yield identities until the vocabulary has no outfit left.

    The stream depends on the arguments only, never on how many identities are taken from it.

    Args:
        vocabulary: the words to draw from.
        seed: of the stream.
        excluded: outfits that no identity wears.
        twins: share of identities, 0..1, that differ from the one before in one word of the outfit
            (and in the seed): number ``i``, from 0, if a multiple of 1 / twins is in (i, i + 1].
    """
    spaces = {gender: OutfitSpace(vocabulary, gender) for gender in GENDERS}
    taken = set(excluded)
    person = None
    for index in count():
        rng = seeding.rng(seed, "identity", index)
        twin = None
        if person is not None and int((index + 1) * twins) > int(index * twins):
            twin = _draw_twin(vocabulary, person, taken, rng)
        person = twin or _draw_person(vocabulary, spaces, taken, index, rng)
        if person is None:
            return
        taken.add(outfit_of(person))
        yield person


def _draw_person(
    vocabulary: Vocabulary,
    spaces: Mapping[str, OutfitSpace],
    taken: set[tuple[str, ...]],
    index: int,
    rng: np.random.Generator,
) -> Identity | None:
    """Draw someone in an outfit that is not taken; None if all are."""
    gender = GENDERS[rng.integers(len(GENDERS))]
    outfit = spaces[gender].draw(taken, rng)
    if outfit is None:  # this gender has worn all its outfits, the other perhaps not
        gender = GENDERS[1 - GENDERS.index(gender)]
        outfit = spaces[gender].draw(taken, rng)
        if outfit is None:
            return None
    lighting = LIGHTINGS[rng.integers(len(LIGHTINGS))]
    attributes = {
        "gender": gender,
        **dict(zip(OUTFIT, outfit, strict=True)),
        "lighting": lighting.prompt,
        **_draw_body(vocabulary, gender, rng),
    }
    return Identity(
        index=index,
        attributes=attributes,
        lighting=lighting.name,
        prompt=render(attributes),
        negative_prompt=NEGATIVE_PROMPT,
        seed=int(rng.integers(2**31)),
    )


def _draw_twin(
    vocabulary: Vocabulary,
    person: Identity,
    taken: set[tuple[str, ...]],
    rng: np.random.Generator,
) -> Identity | None:
    """Draw the same description but for one word of the outfit; None if no such one is free."""
    gender = person.attributes["gender"]
    for place in rng.permutation(len(OUTFIT)):
        name = OUTFIT[place]
        twins = [
            replace(
                person, index=person.index + 1, attributes=attributes, prompt=render(attributes)
            )
            for word in vocabulary.words[gender][name]
            if vocabulary.compatible(attributes := person.attributes | {name: word})
        ]
        twins = [twin for twin in twins if outfit_of(twin) not in taken]
        if twins:
            words = [(twin.attributes[name],) for twin in twins]
            chosen = twins[pick(weigh(vocabulary.weights[gender], (name,), words), rng)]
            return replace(chosen, seed=int(rng.integers(2**31)))
    return None


def _draw_body(vocabulary: Vocabulary, gender: str, rng: np.random.Generator) -> dict[str, str]:
    """Draw body, hair, skin and what is carried, in words that do not contradict each other."""
    words, weights = vocabulary.words[gender], vocabulary.weights[gender]

    def draw(name: str) -> str:
        listed = words[name]
        if name not in weights:
            return listed[rng.integers(len(listed))]
        return listed[pick(list(accumulate(weights[name].values())), rng)]

    names = [name for name in (*BODY, CARRYING) if name in words]
    for _ in range(1000):
        body = {name: draw(name) for name in names}
        if vocabulary.compatible(body):
            return body
    raise UserError(
        f"the vocabulary's contradictions exclude every body for '{gender}'; remove some of those "
        f"about {', '.join(names)}"
    )

"""The outfits that a vocabulary allows: counted, numbered, and drawn by the weights of their words.

An outfit is color, pattern and style of upper and lower wear, and color and style of footwear.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, product
from math import prod

import numpy as np

from ..errors import UserError
from .vocabulary import GARMENTS, GENDERS, OUTFIT, STYLES, Vocabulary

_REDRAWS = 50  # draws by weight; if all of them are taken, the next free outfit is used


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
        self._styles, self._triples = list(self.garments), list(self.garments.values())
        sizes = (prod(len(garment) for garment in triple) for triple in self._triples)
        self._starts = [0, *accumulate(sizes)]
        self.size = self._starts[-1]
        weights = vocabulary.weights[gender]
        # Running sums of weights: of the triples of styles, and of each style's variants.
        self._sums: dict[tuple[str, ...], list[float]] = {}
        if not weights.keys().isdisjoint(OUTFIT):
            of_style = {garment[-1]: garment for garment in GARMENTS.values()}
            self._sums = {key: weigh(weights, of_style[key[0]], variants[key]) for key in variants}
            self._sums[STYLES] = weigh(weights, STYLES, self.garments)

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
        drawn = 0
        for _ in range(_REDRAWS if self._sums else 1):
            drawn = self._draw_number(rng)
            if (outfit := self.outfit(drawn)) not in taken:
                return outfit
        for step in range(1, self.size):
            outfit = self.outfit((drawn + step) % self.size)
            if outfit not in taken:
                return outfit
        return None

    def _draw_number(self, rng: np.random.Generator) -> int:
        if not self._sums:
            triple = int(rng.integers(len(self._triples)))
            return int(rng.integers(self._starts[triple], self._starts[triple + 1]))
        triple = pick(self._sums[STYLES], rng)
        number = 0
        for key in zip(STYLES, self._styles[triple], strict=True):
            sums = self._sums[key]
            number = number * len(sums) + pick(sums, rng)
        return self._starts[triple] + number


def weigh(
    weights: Mapping[str, Mapping[str, float]],
    names: Sequence[str],
    choices: Iterable[Sequence[str]],
) -> list[float]:
    """Return the running sums of the weights of choices, each a word for every name."""
    tables = [weights.get(name, {}) for name in names]
    return list(
        accumulate(
            prod(table.get(word, 1.0) for table, word in zip(tables, choice, strict=True))
            for choice in choices
        )
    )


def pick(sums: Sequence[float], rng: np.random.Generator) -> int:
    """Draw a place by running sums of weights."""
    return min(bisect_right(sums, rng.random() * sums[-1]), len(sums) - 1)


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

"""What the words for carried things mean for the drawing: bags, umbrella, hats and glasses.

Words are matched by keyword, as those of garments are, and can name several things. A thing that is
none of these is not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Accessories:
    """Carried things; an empty string or False for none.

    Attributes:
        backpack: whether there is one, on the back.
        bag: "shoulder" (a strap across the chest), "hand" (a short one in a hand) or "tote" (a
            tall, flat one in a hand).
        umbrella: whether an open one is held over the head.
        hat: "cap" (with a visor), "beanie" or "brim".
        glasses: "clear" or "dark".
    """

    backpack: bool = False
    bag: str = ""
    umbrella: bool = False
    hat: str = ""
    glasses: str = ""


# The first keyword found decides; the order puts special words first.
_BAGS = (
    ("tote", "tote"), ("shopping", "tote"), ("plastic bag", "tote"), ("paper bag", "tote"),
    ("handbag", "hand"), ("briefcase", "hand"), ("purse", "hand"), ("suitcase", "hand"),
    ("shoulder", "shoulder"), ("crossbody", "shoulder"), ("messenger", "shoulder"),
    ("satchel", "shoulder"), ("sling", "shoulder"), ("bag", "hand"),
)  # fmt: skip
_HATS = (
    ("beanie", "beanie"), ("knit", "beanie"), ("cap", "cap"), ("beret", "beanie"),
    ("hat", "brim"), ("fedora", "brim"),
)  # fmt: skip


def accessories(words: Mapping[str, str]) -> Accessories:
    """Choose what a person carries, from the words of a prompt; "carrying" may be missing."""
    carrying = words.get("carrying", "").lower()
    backpack = any(word in carrying for word in ("backpack", "rucksack", "knapsack"))
    dark = "sunglasses" in carrying or "shades" in carrying
    return Accessories(
        backpack=backpack,
        bag=next((kind for keyword, kind in _BAGS if keyword in carrying), ""),
        umbrella="umbrella" in carrying or "parasol" in carrying,
        hat=next((kind for keyword, kind in _HATS if keyword in carrying), ""),
        glasses="dark" if dark else "clear" if "glasses" in carrying else "",
    )

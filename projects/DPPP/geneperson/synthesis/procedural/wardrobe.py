"""What a prompt's words mean for the drawing: garments, footwear and hair.

Words are matched by keyword, so that a vocabulary may have unforeseen words: an unknown garment is
drawn as a plain long-sleeved top, trousers or sneakers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from ...posing.skeletons import LEG_LENGTH


@dataclass(frozen=True, kw_only=True)
class Top:
    """Upper wear.

    Attributes:
        sleeve: share of the arm covered, 0 = none, 0.32 = short, 1 = long.
        front: "closed", "buttons", "zip", "open" (inner shirt visible) or "lapel" (V with a shirt).
        collar: whether it has one.
        hood: whether it has one, on the back.
        quilted: whether it is sewn in padded rings.
        belt: whether it has one, at the top of the tails.
        pocket: whether it has a pouch on the belly.
        hem: how far below the hips the top reaches, in body heights; 0 = hips.
        bulk: extra thickness in body heights.
        neckline: "round", "deep" or "high".
    """

    sleeve: float = 1.0
    front: str = "closed"
    collar: bool = False
    hood: bool = False
    quilted: bool = False
    belt: bool = False
    pocket: bool = False
    hem: float = 0.0
    bulk: float = 0.006
    neckline: str = "round"


@dataclass(frozen=True, kw_only=True)
class Bottom:
    """Lower wear.

    Attributes:
        kind: "trousers" or "skirt".
        reach: share of the leg covered, 0.5 = knee, 1 = ankle.
        loose: distance of the cloth from the leg, in body heights.
        flare: how much wider the hem is, in body heights.
        denim: whether it fades and has seams as jeans do.
        pleated: whether a skirt falls in pleats.
        cargo: whether it has pockets on the thighs.
    """

    kind: str = "trousers"
    reach: float = 1.0
    loose: float = 0.008
    flare: float = 0.0
    denim: bool = False
    pleated: bool = False
    cargo: bool = False


@dataclass(frozen=True, kw_only=True)
class LegCover:
    """How clothes divide a leg.

    Attributes:
        start: where the drawn leg begins, in thigh lengths: just inside a skirt or coat, or below
            the hem of a short top.
        thigh: share of the drawn thigh that is inside trousers; above 1 = beyond its end.
        shank: the same for the whole shank.
    """

    start: float
    thigh: float
    shank: float


def leg_cover(top: Top, bottom: Bottom) -> LegCover:
    """Work out how far a top and a bottom cover the legs."""
    hidden = 0.20
    if top.hem > 0.06:
        hidden = 2.0 * top.hem / LEG_LENGTH - 0.04
    if bottom.kind == "skirt":
        hidden = max(hidden, 2.0 * bottom.reach - 0.06)
    drawn = max(1.0 - hidden, 0.05)
    return LegCover(
        start=hidden,
        thigh=(2.0 * bottom.reach - hidden) / drawn,
        shank=2.0 * bottom.reach - 1.0,
    )


@dataclass(frozen=True, kw_only=True)
class Shoe:
    """Footwear.

    Attributes:
        kind: "sneaker", "boot", "heel", "sandal", "flat" or "loafer".
        shaft: share of the shank covered.
        heel: height of the heel in body heights.
        white_sole: whether the sole is white instead of a darker shade of the shoe.
        bare: whether skin is seen between straps.
    """

    kind: str = "sneaker"
    shaft: float = 0.0
    heel: float = 0.0
    white_sole: bool = False
    bare: bool = False


@dataclass(frozen=True, kw_only=True)
class Clothes:
    """What a person wears."""

    top: Top
    bottom: Bottom
    shoe: Shoe


@dataclass(frozen=True, kw_only=True)
class Hair:
    """Hairstyle.

    Attributes:
        length: "bald", "buzz", "short", "chin", "shoulder", "long" or "waist".
        tied: "", "high ponytail", "low ponytail", "bun", "twin tails" or "braid".
        texture: "straight", "wavy", "curly" or "afro".
        bangs: hair over the forehead.
        volume: thickness relative to the usual.
    """

    length: str = "short"
    tied: str = ""
    texture: str = "straight"
    bangs: bool = False
    volume: float = 1.0


_TOPS = (
    ("tank", Top(sleeve=0.0, neckline="deep", bulk=0.002)),
    ("camisole", Top(sleeve=0.0, neckline="deep", bulk=0.002)),
    ("polo", Top(sleeve=0.32, collar=True, front="buttons", bulk=0.004)),
    ("henley", Top(front="buttons", bulk=0.004)),
    ("t-shirt", Top(sleeve=0.32, bulk=0.004)),
    ("tee", Top(sleeve=0.32, bulk=0.004)),
    ("sweatshirt", Top(bulk=0.010)),
    ("hoodie", Top(hood=True, pocket=True, bulk=0.011)),
    ("vest", Top(sleeve=0.0, front="zip", collar=True, quilted=True, bulk=0.013)),
    ("waistcoat", Top(sleeve=0.0, front="lapel", bulk=0.006)),
    ("trench", Top(front="lapel", collar=True, belt=True, hem=0.20, bulk=0.010)),
    ("raincoat", Top(front="zip", hood=True, hem=0.17, bulk=0.012)),
    ("down", Top(front="zip", quilted=True, collar=True, hem=0.015, bulk=0.021)),
    ("puffer", Top(front="zip", quilted=True, collar=True, hem=0.015, bulk=0.021)),
    ("parka", Top(front="zip", hood=True, hem=0.08, bulk=0.016)),
    ("blazer", Top(front="lapel", collar=True, hem=0.02, bulk=0.008)),
    ("suit", Top(front="lapel", collar=True, hem=0.02, bulk=0.008)),
    ("bomber", Top(front="zip", collar=True, bulk=0.014)),
    ("windbreaker", Top(front="zip", hood=True, collar=True, bulk=0.011)),
    ("cardigan", Top(front="open", hem=0.03, bulk=0.008)),
    ("coat", Top(front="open", collar=True, hem=0.19, bulk=0.013)),
    ("jacket", Top(front="open", collar=True, bulk=0.011)),
    ("blouse", Top(collar=True, front="buttons", bulk=0.005)),
    ("tunic", Top(sleeve=0.75, hem=0.07, neckline="deep", bulk=0.006)),
    ("turtleneck", Top(neckline="high", bulk=0.006)),
    ("sweater", Top(neckline="round", bulk=0.010)),
    ("jumper", Top(bulk=0.010)),
    ("shirt", Top(collar=True, front="buttons", bulk=0.005)),
)
_BOTTOMS = (
    ("cargo shorts", Bottom(reach=0.52, loose=0.014, cargo=True)),
    ("denim shorts", Bottom(reach=0.30, loose=0.006, denim=True)),
    ("shorts", Bottom(reach=0.40, loose=0.011)),
    ("long skirt", Bottom(kind="skirt", reach=0.86, flare=0.035)),
    ("maxi", Bottom(kind="skirt", reach=0.90, flare=0.035)),
    ("pleated", Bottom(kind="skirt", reach=0.45, flare=0.045, pleated=True)),
    ("mini", Bottom(kind="skirt", reach=0.30, flare=0.02)),
    ("skirt", Bottom(kind="skirt", reach=0.48, flare=0.022)),
    ("dress", Bottom(kind="skirt", reach=0.55, flare=0.04)),
    ("legging", Bottom(loose=0.001)),
    ("skinny", Bottom(loose=0.002, denim=True)),
    ("jean", Bottom(loose=0.005, denim=True)),
    ("wide", Bottom(loose=0.012, flare=0.022)),
    ("flared", Bottom(loose=0.005, flare=0.018)),
    ("cargo", Bottom(loose=0.013, cargo=True)),
    ("sweatpants", Bottom(loose=0.012)),
    ("jogger", Bottom(loose=0.012)),
    ("capri", Bottom(reach=0.72, loose=0.004)),
)
_SHOES = (
    ("ankle boot", Shoe(kind="boot", shaft=0.30, heel=0.010)),
    ("boot", Shoe(kind="boot", shaft=0.62, heel=0.008)),
    ("heel", Shoe(kind="heel", heel=0.026)),
    ("pump", Shoe(kind="heel", heel=0.026)),
    ("sandal", Shoe(kind="sandal", bare=True)),
    ("flip", Shoe(kind="sandal", bare=True)),
    ("slipper", Shoe(kind="flat")),
    ("flat", Shoe(kind="flat")),
    ("loafer", Shoe(kind="loafer")),
    ("oxford", Shoe(kind="loafer")),
    ("derby", Shoe(kind="loafer")),
)


_Choice = TypeVar("_Choice")


def _first(words: str, table: tuple[tuple[str, _Choice], ...], default: _Choice) -> _Choice:
    """Return the value of the first keyword that the words contain."""
    words = words.lower()
    return next((value for keyword, value in table if keyword in words), default)


def clothes(words: Mapping[str, str]) -> Clothes:
    """Choose the garments that the words of a prompt describe."""
    return Clothes(
        top=_first(words["upper_wear"], _TOPS, Top()),
        bottom=_first(words["lower_wear"], _BOTTOMS, Bottom()),
        shoe=_first(words["footwear"], _SHOES, Shoe(white_sole=True)),
    )


def hair(words: str) -> Hair:
    """Return the hairstyle for words such as "long hair, wavy hair texture, low ponytail"."""
    words = words.lower()
    lengths = (
        ("bald", "bald"), ("shaved head", "bald"), ("buzz", "buzz"), ("waist", "waist"),
        ("shoulder", "shoulder"), ("chin", "chin"), ("bob", "chin"), ("medium", "shoulder"),
        ("pixie", "short"), ("short", "short"), ("cut", "short"), ("long", "long"),
    )  # fmt: skip
    ties = (
        ("high ponytail", "high ponytail"), ("ponytail", "low ponytail"), ("bun", "bun"),
        ("twin", "twin tails"), ("pigtail", "twin tails"), ("braid", "braid"),
    )  # fmt: skip
    textures = (("afro", "afro"), ("curl", "curly"), ("coil", "curly"), ("wav", "wavy"))
    length = _first(words, lengths, "long" if "tail" in words or "braid" in words else "short")
    texture = _first(words, textures, "straight")
    volume = {"straight": 1.0, "wavy": 1.08, "curly": 1.2, "afro": 1.5}[texture]
    if "spik" in words or "undercut" in words:
        volume *= 1.08
    if "crew" in words or "slick" in words:
        volume *= 0.94
    return Hair(
        length=length,
        tied=_first(words, ties, ""),
        texture=texture,
        bangs="bang" in words,
        volume=volume,
    )

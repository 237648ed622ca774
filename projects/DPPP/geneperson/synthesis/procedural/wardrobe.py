"""What a prompt's words mean for the drawing: body build, garments, footwear and hair.

Words are matched by keyword, so that a vocabulary may hold words nobody foresaw: an unknown garment
is drawn as a plain long-sleeved top, trousers or sneakers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ...posing.skeletons import LEG_LENGTH


@dataclass(frozen=True)
class Build:
    """Proportions against an average adult; 1 = average, `chest` in body heights."""

    stature: float
    shoulders: float
    hips: float
    waist: float
    girth: float
    limbs: float
    chest: float
    belly: float


@dataclass(frozen=True)
class Top:
    """Upper wear.

    Attributes:
        sleeve: share of the arm covered, 0 = none, 0.32 = short, 1 = long.
        front: "closed", "buttons", "zip", "open" (inner shirt visible) or "lapel" (V with a shirt).
        collar, hood, quilted, belt: extra parts.
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


@dataclass(frozen=True)
class Bottom:
    """Lower wear; `reach` is the share of the leg covered (0.5 = knee, 1 = ankle)."""

    kind: str = "trousers"  # or "skirt"
    reach: float = 1.0
    loose: float = 0.008
    flare: float = 0.0
    denim: bool = False
    pleated: bool = False
    cargo: bool = False


@dataclass(frozen=True)
class LegCover:
    """How clothes divide a leg.

    Attributes:
        start: where the drawn leg begins, in thigh lengths: just inside a skirt or coat, or below
            the hem of a short top.
        thigh, shank: shares of the drawn thigh and of the shank inside trousers; above 1 = beyond.
    """

    start: float
    thigh: float
    shank: float


def leg_cover(top: Top, bottom: Bottom) -> LegCover:
    hidden = 0.20
    if top.hem > 0.06:
        hidden = 2.0 * top.hem / LEG_LENGTH - 0.04
    if bottom.kind == "skirt":
        hidden = max(hidden, 2.0 * bottom.reach - 0.06)
    drawn = max(1.0 - hidden, 0.05)
    return LegCover(hidden, (2.0 * bottom.reach - hidden) / drawn, 2.0 * bottom.reach - 1.0)


@dataclass(frozen=True)
class Shoe:
    """Footwear; `shaft` is the share of the shank covered."""

    kind: str = "sneaker"
    shaft: float = 0.0
    heel: float = 0.0
    white_sole: bool = False
    bare: bool = False


@dataclass(frozen=True)
class Hair:
    """Hairstyle.

    Attributes:
        length: "bald", "buzz", "short", "chin", "shoulder", "long" or "waist".
        tied: "", "high ponytail", "low ponytail", "bun", "twin tails" or "braid".
        texture: "straight", "wavy", "curly" or "afro".
        bangs: hair over the forehead.
        volume: thickness against the usual.
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
    ("long skirt", Bottom("skirt", reach=0.86, flare=0.035)),
    ("maxi", Bottom("skirt", reach=0.90, flare=0.035)),
    ("pleated", Bottom("skirt", reach=0.45, flare=0.045, pleated=True)),
    ("mini", Bottom("skirt", reach=0.30, flare=0.02)),
    ("skirt", Bottom("skirt", reach=0.48, flare=0.022)),
    ("dress", Bottom("skirt", reach=0.55, flare=0.04)),
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
    ("ankle boot", Shoe("boot", shaft=0.30, heel=0.010)),
    ("boot", Shoe("boot", shaft=0.62, heel=0.008)),
    ("heel", Shoe("heel", heel=0.026)),
    ("pump", Shoe("heel", heel=0.026)),
    ("sandal", Shoe("sandal", bare=True)),
    ("flip", Shoe("sandal", bare=True)),
    ("slipper", Shoe("flat")),
    ("flat", Shoe("flat")),
    ("loafer", Shoe("loafer")),
    ("oxford", Shoe("loafer")),
    ("derby", Shoe("loafer")),
)


_Choice = TypeVar("_Choice")


def _first(words: str, table: tuple[tuple[str, _Choice], ...], default: _Choice) -> _Choice:
    """The value of the first keyword that the words contain."""
    words = words.lower()
    return next((value for keyword, value in table if keyword in words), default)


def top(words: str) -> Top:
    return _first(words, _TOPS, Top())


def bottom(words: str) -> Bottom:
    return _first(words, _BOTTOMS, Bottom())


def shoe(words: str) -> Shoe:
    return _first(words, _SHOES, Shoe(white_sole=True))


def hair(words: str) -> Hair:
    """Hairstyle from comma-joined words, such as "long hair, wavy hair texture, low ponytail"."""
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
    return Hair(length, _first(words, ties, ""), texture, "bang" in words, volume)


def build(
    gender: str, body_shape: str, body_build: str, stream: np.random.Generator, girth: float
) -> Build:
    """Body proportions from the prompt's words, with a small variation of the person's own.

    Args:
        girth: width of the world's bodies against natural ones.
    """
    woman = gender != "man"
    body = (
        Build(0.955, 0.90, 1.05, 0.92, 0.96, 0.95, 0.012, 0.0)
        if woman
        else Build(1.0, 1.03, 0.96, 1.02, 1.02, 1.05, 0.004, 0.0)
    )
    words = f"{body_shape} {body_build}".lower()
    changes = {
        "slim": {"girth": 0.90, "limbs": 0.90, "waist": 0.95},
        "lean": {"girth": 0.93, "limbs": 0.93},
        "petite": {"stature": 0.94, "girth": 0.94, "shoulders": 0.95},
        "tall": {"stature": 1.03, "girth": 0.97},
        "short": {"stature": 0.95},
        "athletic": {"shoulders": 1.05, "waist": 0.96, "limbs": 1.05},
        "muscular": {"shoulders": 1.08, "limbs": 1.08, "girth": 1.06},
        "broad": {"shoulders": 1.12, "girth": 1.03},
        "stocky": {"stature": 0.95, "girth": 1.14, "limbs": 1.07, "waist": 1.06},
        "plump": {"girth": 1.17, "limbs": 1.10, "waist": 1.10, "belly": 0.012},
        "heavy": {"girth": 1.22, "limbs": 1.12, "waist": 1.12, "belly": 0.018},
        "curvy": {"hips": 1.12, "chest": 1.5, "waist": 0.95, "limbs": 1.06},
        "maternal": {"hips": 1.03, "belly": 0.003},
    }
    for word, factors in changes.items():
        if word in words:
            for field, factor in factors.items():
                value = getattr(body, field)
                value = value + factor if field == "belly" else value * factor
                body = replace(body, **{field: value})
    own = stream.normal(1.0, 0.018, 6)
    return replace(
        body,
        stature=min(1.02, body.stature * float(np.clip(own[0], 0.96, 1.04))),
        shoulders=body.shoulders * own[1],
        hips=body.hips * own[2],
        waist=body.waist * own[3],
        girth=body.girth * own[4] * girth,
        limbs=body.limbs * own[5] * girth,
    )

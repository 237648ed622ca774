"""Proportions of a body, from a prompt's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Build:
    """Proportions of a body.

    Attributes:
        stature: height against an average adult.
        shoulders: width of the shoulders against an average adult.
        hips: the same for the hips.
        waist: the same for the waist.
        girth: the same for the whole torso.
        limbs: the same for the thickness of arms, legs and neck.
        chest: how far the chest protrudes, in body heights.
        belly: the same for the belly.
    """

    stature: float
    shoulders: float
    hips: float
    waist: float
    girth: float
    limbs: float
    chest: float
    belly: float


_WOMAN = Build(
    stature=0.955,
    shoulders=0.90,
    hips=1.05,
    waist=0.92,
    girth=0.96,
    limbs=0.95,
    chest=0.012,
    belly=0.0,
)
_MAN = Build(
    stature=1.0,
    shoulders=1.03,
    hips=0.96,
    waist=1.02,
    girth=1.02,
    limbs=1.05,
    chest=0.004,
    belly=0.0,
)
# What a word does to the proportions: a factor, but for the belly something to add.
_CHANGES = {
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


def build(words: Mapping[str, str], rng: np.random.Generator, girth: float) -> Build:
    """Work out body proportions, with a small variation of the person's own.

    Args:
        words: attribute name -> word, from the prompt.
        rng: draws the variation.
        girth: width of the world's bodies against natural ones.
    """
    body = _MAN if words["gender"] == "man" else _WOMAN
    described = f"{words['body_shape']} {words['build']}".lower()
    for word, factors in _CHANGES.items():
        if word in described:
            for field, factor in factors.items():
                value = getattr(body, field)
                value = value + factor if field == "belly" else value * factor
                body = replace(body, **{field: value})
    own = rng.normal(1.0, 0.018, 6)
    return replace(
        body,
        stature=min(1.02, body.stature * float(np.clip(own[0], 0.96, 1.04))),
        shoulders=body.shoulders * own[1],
        hips=body.hips * own[2],
        waist=body.waist * own[3],
        girth=body.girth * own[4] * girth,
        limbs=body.limbs * own[5] * girth,
    )

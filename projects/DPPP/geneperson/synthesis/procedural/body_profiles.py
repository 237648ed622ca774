"""Cross-sections of torso, arms and legs in the clothes that cover them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .physique import Build
from .sections import Profile, profile
from .wardrobe import Bottom, LegCover, Top

HIP = 0.86  # v of the torso where tops end


def torso_profile(build: Build, *, woman: bool, bulk: float, ends_at_hips: bool) -> Profile:
    """Return the torso inside a top.

    Args:
        build: proportions of the body.
        woman: whether the waist is a woman's.
        bulk: thickness of the top in body heights.
        ends_at_hips: whether the top hangs over the hips and ends there.
    """
    g, w, h, s = build.girth, build.waist, build.hips, build.shoulders
    chest, belly = build.chest, build.belly
    waist = 0.080 if woman else 0.091
    knots = (
        (0.00, 0.030, 0.034, 0.000),
        (0.04, 0.058 * s, 0.040, -0.004),
        (0.08, 0.098 * s, 0.046, -0.004),
        (0.13, 0.117 * s, 0.052, -0.002),
        (0.20, 0.116 * s, 0.060 * g, 0.000),
        (0.28, 0.106 * g, 0.064 * g + 0.4 * chest, 0.5 * chest),
        (0.36, 0.096 * g, 0.064 * g + 0.3 * chest, 0.5 * chest),
        (0.55, waist * g * w, 0.056 * g + 0.7 * belly, 0.7 * belly),
        (0.66, (waist + 0.007) * g * w, 0.059 * g + belly, belly),
        (0.80, 0.094 * g * h, 0.066 * g + 0.3 * belly, -0.006),
        (0.90, 0.095 * g * h, 0.066 * g, -0.009),
        (1.00, 0.070 * g * h, 0.052 * g, -0.004),
    )
    v = np.linspace(0.0, 1.0, 65)
    columns = np.array(knots).T
    side, front, forward = (np.interp(v, columns[0], column) for column in columns[1:])
    cloth = np.minimum(1.0, v / 0.15) * bulk
    if ends_at_hips:
        cloth += np.where(v < HIP, 0.010 * np.clip((v - 0.62) / 0.2, 0.0, 1.0), -bulk)
    return profile(*zip(v, side + cloth, front + cloth, forward, strict=True))


def arm_profiles(build: Build, top: Top) -> tuple[Profile, Profile, Profile]:
    """Return upper arm, forearm and hand in a top's sleeve."""
    m = build.limbs
    bare_upper = ((0.0, 0.030 * m), (0.2, 0.035 * m), (0.4, 0.033 * m), (1.0, 0.027 * m))
    bare_fore = ((0.0, 0.0245 * m), (0.25, 0.028 * m), (1.0, 0.018 * m))
    cover = top.sleeve * 2.0  # in upper arm lengths, then forearm lengths
    upper = _covered(bare_upper, cover, 0.75 * top.bulk + 0.002)
    # A sleeve that reaches the wrist is open there; the hand comes out of it.
    fore = _covered(bare_fore, cover - 1.0, 0.65 * top.bulk + 0.002, round_end=cover < 1.95)
    hand = profile((0.0, 0.013 * m, 0.017 * m), (0.4, 0.013 * m, 0.021 * m), (1.0, 0.008, 0.012))
    return upper, fore, hand


def leg_profiles(
    build: Build, bottom: Bottom, cover: LegCover, *, woman: bool
) -> tuple[Profile, Profile]:
    """Return thigh and shank inside lower wear."""
    m = build.limbs * (1.05 if woman else 1.0)
    bare_thigh = (
        (0.0, 0.053 * m, 0.060 * m), (0.15, 0.058 * m, 0.064 * m), (0.35, 0.056 * m, 0.061 * m),
        (1.0, 0.040 * m, 0.042 * m),
    )  # fmt: skip
    bare_shank = (
        (0.0, 0.036 * m, 0.038 * m), (0.30, 0.039 * m, 0.044 * m), (0.75, 0.027 * m),
        (1.0, 0.024 * m),
    )  # fmt: skip
    if bottom.kind == "skirt":
        start_round = bottom.reach < 0.5
        return (
            profile(*bare_thigh, round_start=False),
            profile(*bare_shank, round_start=start_round),
        )
    thigh = _covered(bare_thigh, cover.thigh, bottom.loose, round_start=cover.start < 0.5)
    if cover.shank >= 0.9 and bottom.loose > 0.001:
        loose, flare = bottom.loose, bottom.flare
        shank = profile(
            (0.0, 0.036 * m + loose),
            (0.2, 0.040 * m + loose),
            (0.35, 0.041 * m + loose + 0.2 * flare),
            (1.0, 0.033 * m + loose + flare),
            round_end=False,
        )
    else:
        shank = _covered(bare_shank, cover.shank, bottom.loose)
    return thigh, shank


def _covered(
    bare: Sequence[tuple[float, ...]],
    cover: float,
    thickness: float,
    *,
    round_start: bool = True,
    round_end: bool = True,
) -> Profile:
    """Return a limb's profile, thicker where cloth covers it; ``cover`` in lengths of this limb."""
    v = np.linspace(0.0, 1.0, 41)
    knots = np.array([(k[0], k[1], k[2] if len(k) > 2 else k[1]) for k in bare])
    cloth = thickness * (v < cover)
    side = np.interp(v, knots[:, 0], knots[:, 1]) + cloth
    front = np.interp(v, knots[:, 0], knots[:, 2]) + cloth
    if 0.0 < cover < 1.0:  # a short leg or sleeve hangs straight instead of narrowing
        side = np.where(v < cover, np.maximum(side, 0.96 * side[0]), side)
        front = np.where(v < cover, np.maximum(front, 0.96 * front[0]), front)
    dressed = zip(v, side, front, strict=True)
    return profile(*dressed, round_start=round_start, round_end=round_end)

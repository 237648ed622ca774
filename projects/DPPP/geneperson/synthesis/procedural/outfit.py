"""Body below the head, dressed: torso, arms, legs, garments and shoes of one person."""

from __future__ import annotations

import numpy as np

from ...posing.skeletons import ARMS, LEG_LENGTH, LEGS
from . import wardrobe
from .anatomy import Stance
from .surfaces import Atlas, DepthBuffer, Profile, profile
from .tailoring import HIP, Tailor
from .wardrobe import Build

_Point = np.ndarray  # (3,) in buffer pixels


class Outfit:
    """Profiles and textures of one dressed body; `draw` puts them into a pose."""

    def __init__(
        self, words: dict[str, str], woman: bool, skin: np.ndarray, build: Build,
        stream: np.random.Generator, atlas: Atlas, grain: float,
    ):  # fmt: skip
        self._top = wardrobe.top(words["upper_wear"])
        self._bottom = wardrobe.bottom(words["lower_wear"])
        self._shoe = wardrobe.shoe(words["footwear"])
        tailor = Tailor(
            words, woman, skin, self._top, self._bottom, self._shoe, stream, atlas, grain
        )
        self._textures = tailor.textures
        # A top that ends at the hips hangs over them; others are tucked in or go on as tails.
        ends = not tailor.tucked and self._top.hem == 0.0
        self._torso = _torso_profile(build, woman, self._top.bulk, ends)
        self._arms = _arm_profiles(build, self._top)
        self._cover = wardrobe.leg_cover(self._top, self._bottom)
        self._legs = _leg_profiles(build, self._bottom, self._cover, woman)
        self._neck = profile((0.0, 0.030 * build.limbs), (1.0, 0.032 * build.limbs))
        self._build = build
        self._waist = (0.087 if woman else 0.098) * build.girth * build.waist  # half width
        # How far back the shoulder blades reach, in body heights: long hair lies on them.
        self.back_depth = 0.080 * build.girth + self._top.bulk

    def draw(self, buffer: DepthBuffer, stance: Stance) -> None:
        for leg in LEGS:
            self._draw_leg(buffer, stance, *(stance.joints[j] for j in leg))
        if self._bottom.kind == "skirt":
            drop = self._bottom.reach * LEG_LENGTH
            self._draw_cone(buffer, stance, drop, self._bottom.flare, 0.0, "skirt")
        if self._top.hem > 0.0:  # the part of a coat below the waist
            bulk = self._top.bulk
            self._draw_cone(
                buffer, stance, self._top.hem + 0.03, 0.012 + bulk, 0.004 + bulk, "tails"
            )
        self._draw_torso(buffer, stance)
        for arm in ARMS:
            self._draw_arm(buffer, stance, *(stance.joints[j] for j in arm))

    def _sweep(
        self, buffer: DepthBuffer, stance: Stance, start: _Point, end: _Point, shape: Profile,
        texture: str, over: bool = False,
    ) -> None:  # fmt: skip
        buffer.sweep(start, end, shape, stance.unit, stance.turn, self._textures[texture], over)

    def _draw_torso(self, buffer: DepthBuffer, stance: Stance) -> None:
        neck, pelvis = stance.neck, stance.pelvis
        top = neck + stance.offset(0.0, 0.022, -0.006)
        crotch = pelvis + stance.offset(0.0, -0.048, 0.0)
        self._sweep(buffer, stance, top, crotch, self._torso, "torso")
        throat = stance.head + stance.offset(0.0, -0.040, -0.006)
        self._sweep(
            buffer, stance, throat, neck + stance.offset(0, 0.0, -0.004), self._neck, "skin"
        )
        around = 0.036 * self._build.limbs + 0.5 * self._top.bulk
        if self._top.collar or self._top.neckline == "high":
            high = 0.048 if self._top.neckline == "high" else 0.040
            collar = profile((0.0, around), (1.0, around + 0.016), round_start=False)
            start = neck + stance.offset(0.0, high, -0.004)
            self._sweep(
                buffer, stance, start, neck + stance.offset(0, 0.006, -0.004), collar, "collar"
            )
        if self._top.hood:
            place = neck + stance.offset(0.0, 0.020, -0.046)
            radii = tuple(stance.unit * np.array((0.062, 0.040, 0.034)))
            buffer.ellipsoid(place, stance.axes, radii, self._textures["hood"])

    def _draw_arm(
        self, buffer: DepthBuffer, stance: Stance, shoulder: _Point, elbow: _Point, wrist: _Point
    ) -> None:
        upper, fore, hand = self._arms
        # The arm starts inside the torso, whose slope then forms the shoulder.
        shoulder = shoulder + 0.09 * (stance.pelvis - shoulder)
        self._sweep(buffer, stance, shoulder, elbow, upper, "upper_arm")
        self._sweep(buffer, stance, elbow, wrist, fore, "forearm")
        reach = wrist - elbow
        reach = reach / max(float(np.linalg.norm(reach)), 1e-6) * stance.unit
        self._sweep(buffer, stance, wrist - 0.010 * reach, wrist + 0.072 * reach, hand, "skin")

    def _draw_leg(
        self, buffer: DepthBuffer, stance: Stance, hip: _Point, knee: _Point, ankle: _Point
    ) -> None:
        thigh, shank = self._legs
        hidden = self._cover.start
        if hidden < 1.0:
            start = hip + hidden * (knee - hip)
            self._sweep(buffer, stance, start, knee, thigh, "thigh")
        start = knee + max(0.0, hidden - 1.0) * (ankle - knee)
        self._sweep(buffer, stance, start, ankle, shank, "shank")
        self._draw_foot(buffer, stance, knee, ankle)

    def _draw_foot(self, buffer: DepthBuffer, stance: Stance, knee: _Point, ankle: _Point) -> None:
        """The foot follows the shank's tilt, so that toes lift and heels rise with the step."""
        shoe = self._shoe
        shank = (ankle - knee) / max(float(np.linalg.norm(ankle - knee)), 1e-6)
        forward = stance.axes[2] - 0.62 * float(stance.axes[2] @ shank) * shank
        forward /= np.linalg.norm(forward)
        left = stance.axes[0]
        up = np.cross(forward, left)
        up = up if float(up @ stance.axes[1]) > 0.0 else -up
        axes = np.stack([left, up, forward])
        unit = stance.unit

        def ball(offset: tuple, radii: tuple, texture: str) -> None:
            place = ankle + np.array(offset) @ axes * unit
            buffer.ellipsoid(place, axes, tuple(unit * np.array(radii)), self._textures[texture])

        lift = shoe.heel
        wide = 0.030 if shoe.kind in ("boot", "sneaker") else 0.027
        ball((0.0, -0.022, 0.046), (wide, 0.019, 0.062), "shoe")
        ball((0.0, -0.014 + 0.3 * lift, -0.004), (0.9 * wide, 0.027, 0.033), "shoe_heel")
        ball((0.0, -0.036, 0.030), (wide + 0.002, 0.009, 0.078), "sole")
        if lift > 0.02:
            thin = profile((0.0, 0.012), (1.0, 0.006))
            heel = ankle + np.array((0.0, -0.022, -0.024)) @ axes * unit
            foot = ankle + np.array((0.0, -0.044, -0.026)) @ axes * unit
            self._sweep(buffer, stance, heel, foot, thin, "sole")
        shaft_top = min(shoe.shaft, 2.0 - self._cover.start)  # no higher than the skirt's hem
        if shaft_top > 0.0:
            wide = 0.040 * self._build.limbs + (
                0.5 * self._bottom.loose if self._bottom.reach > 0.8 else 0
            )
            shaft = profile((0.0, wide), (0.6, 0.9 * wide), (1.0, 0.86 * wide), round_start=False)
            self._sweep(buffer, stance, ankle + (knee - ankle) * shaft_top, ankle, shaft, "shaft")

    def _draw_cone(
        self,
        buffer: DepthBuffer,
        stance: Stance,
        drop: float,
        flare: float,
        extra: float,
        texture: str,
    ) -> None:
        """A garment that hangs from the waist around both legs, `drop` below the hips."""
        waist = stance.pelvis + stance.offset(0.0, 0.072, 0.0)
        narrow = self._waist + extra
        build = self._build
        # Where the legs are at the height of the hem: the cloth must go around them.
        share = min(drop / LEG_LENGTH, 1.0)
        places = []
        for hip, knee, ankle in LEGS:
            low, high, part = (
                (knee, hip, share / 0.5) if share < 0.5 else (ankle, knee, share * 2 - 1)
            )
            point = stance.joints[high] + (stance.joints[low] - stance.joints[high]) * min(
                part, 1.0
            )
            places.append(stance.along(point - stance.pelvis, 2))
        middle, spread = 0.5 * sum(places), 0.5 * abs(places[0] - places[1])
        hips = 0.103 * build.girth * build.hips + 0.4 * flare
        leg = 0.058 * build.limbs + 0.5 * self._bottom.loose
        length = drop + 0.075
        at_hips = 0.10 / length
        shape = profile(
            (0.0, narrow, 0.76 * narrow, 0.0),
            (min(at_hips, 0.6), hips, 0.086 * build.girth + 0.3 * flare, 0.25 * middle - 0.004),
            (
                1.0,
                hips + flare,
                max(0.075 * build.girth + flare, (1.32 - 0.26 * share) * (spread + leg)),
                middle,
            ),
            round_end=False,
        )
        hem = waist + stance.offset(0.0, -length, 0.0)
        self._sweep(buffer, stance, waist, hem, shape, texture, over=True)


def _torso_profile(build: Build, woman: bool, bulk: float, ends: bool) -> Profile:
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
    if ends:
        cloth += np.where(v < HIP, 0.010 * np.clip((v - 0.62) / 0.2, 0.0, 1.0), -bulk)
    return profile(*zip(v, side + cloth, front + cloth, forward, strict=True))


def _arm_profiles(build: Build, top: wardrobe.Top) -> tuple[Profile, Profile, Profile]:
    m = build.limbs
    bare_upper = ((0.0, 0.030 * m), (0.2, 0.035 * m), (0.4, 0.033 * m), (1.0, 0.027 * m))
    bare_fore = ((0.0, 0.0245 * m), (0.25, 0.028 * m), (1.0, 0.018 * m))
    cover = top.sleeve * 2.0  # in upper arm lengths, then forearm lengths
    upper = _covered(bare_upper, cover, 0.75 * top.bulk + 0.002)
    # A sleeve that reaches the wrist is open there; the hand comes out of it.
    fore = _covered(bare_fore, cover - 1.0, 0.65 * top.bulk + 0.002, round_end=cover < 1.95)
    hand = profile((0.0, 0.013 * m, 0.017 * m), (0.4, 0.013 * m, 0.021 * m), (1.0, 0.008, 0.012))
    return upper, fore, hand


def _leg_profiles(build: Build, bottom: wardrobe.Bottom, cover: wardrobe.LegCover, woman: bool):
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
    bare: tuple, cover: float, thickness: float, round_start: bool = True, round_end: bool = True
) -> Profile:
    """A limb's profile, thicker where cloth covers it; `cover` in lengths of this limb."""
    v = np.linspace(0.0, 1.0, 41)
    knots = np.array([(k[0], k[1], k[2] if len(k) > 2 else k[1]) for k in bare])
    cloth = thickness * (v < cover)
    side = np.interp(v, knots[:, 0], knots[:, 1]) + cloth
    front = np.interp(v, knots[:, 0], knots[:, 2]) + cloth
    if 0.0 < cover < 1.0:  # a short leg or sleeve hangs straight instead of narrowing
        side = np.where(v < cover, np.maximum(side, 0.96 * side[0]), side)
        front = np.where(v < cover, np.maximum(front, 0.96 * front[0]), front)
    knots = zip(v, side, front, strict=True)
    return profile(*knots, round_start=round_start, round_end=round_end)

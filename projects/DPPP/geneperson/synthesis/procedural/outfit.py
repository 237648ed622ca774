"""Body below the head, dressed: torso, arms, legs, garments and shoes of one person."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...posing.skeletons import ARMS, LEG_LENGTH, LEGS
from .anatomy import Stance
from .atlas import Texture
from .body_profiles import arm_profiles, leg_profiles, torso_profile
from .person import Person
from .sections import Profile, profile
from .surfaces import DepthBuffer
from .tailoring import Tailor
from .wardrobe import clothes, leg_cover

_Point = np.ndarray  # (3,) in buffer pixels
_Offset = tuple[float, float, float]  # left, up, forward in body heights


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body in one pose, which clothes and carried things are drawn on.

    Attributes:
        buffer: what is drawn into.
        stance: the pose.
        textures: name of a part -> its texture.
    """

    buffer: DepthBuffer
    stance: Stance
    textures: Mapping[str, Texture]

    def sweep(
        self, start: _Point, end: _Point, shape: Profile, part: str, *, over: bool = False
    ) -> None:
        """Draw a tube between two places; ``over`` hides what was drawn before."""
        self.buffer.sweep(
            start,
            end,
            shape,
            self.textures[part],
            unit=self.stance.unit,
            over=over,
        )

    def ball(self, center: _Point, axes: np.ndarray, radii: _Offset, part: str) -> None:
        """Draw an ellipsoid; its radii are in body heights."""
        size = self.stance.unit * np.array(radii)
        self.buffer.ellipsoid(center, axes, size, self.textures[part])


class Outfit:
    """Profiles and textures of one dressed body; ``draw`` puts them into a pose.

    Args:
        person: whose body it is.

    Attributes:
        back_depth: how far back the shoulder blades reach, in body heights: long hair rests on
            them.
    """

    def __init__(self, person: Person) -> None:
        build, worn = person.build, clothes(person.words)
        self._build = build
        self._top, self._bottom, self._shoe = worn.top, worn.bottom, worn.shoe
        tailor = Tailor(person, worn)
        self._textures = tailor.textures
        # A top that ends at the hips hangs over them; others are tucked in or continue as tails.
        self._torso = torso_profile(
            build,
            woman=person.woman,
            bulk=self._top.bulk,
            ends_at_hips=not tailor.tucked and self._top.hem == 0.0,
        )
        self._arms = arm_profiles(build, self._top)
        self._cover = leg_cover(self._top, self._bottom)
        self._legs = leg_profiles(build, self._bottom, self._cover, woman=person.woman)
        self._neck = profile((0.0, 0.030 * build.limbs), (1.0, 0.032 * build.limbs))
        # Half width.
        self._waist = (0.087 if person.woman else 0.098) * build.girth * build.waist
        self.back_depth = 0.080 * build.girth + self._top.bulk

    def draw(self, buffer: DepthBuffer, stance: Stance) -> None:
        """Draw the dressed body in a pose, from the feet up."""
        body = Body(buffer=buffer, stance=stance, textures=self._textures)
        for leg in LEGS:
            self._draw_leg(body, *(stance.joints[j] for j in leg))
        if self._bottom.kind == "skirt":
            flare = self._bottom.flare
            self._draw_cone(body, "skirt", drop=self._bottom.reach * LEG_LENGTH, flare=flare)
        if self._top.hem > 0.0:  # the part of a coat below the waist
            bulk = self._top.bulk
            drop = self._top.hem + 0.03
            self._draw_cone(body, "tails", drop=drop, flare=0.012 + bulk, extra=0.004 + bulk)
        self._draw_torso(body)
        for arm in ARMS:
            self._draw_arm(body, *(stance.joints[j] for j in arm))

    def on_torso(self, stance: Stance, down: float, turn_deg: float, off: float) -> _Point:
        """Return a place on the torso.

        Args:
            stance: the pose.
            down: how far down it is, 0 = neck, 1 = crotch.
            turn_deg: how far around it is, 0 = front, 90 = the person's left.
            off: its distance from the cloth in body heights.
        """
        top, crotch = _torso_axis(stance)
        steps = np.linspace(0.0, 1.0, len(self._torso.side))
        side, front, forward = (
            float(np.interp(down, steps, curve))
            for curve in (self._torso.side, self._torso.front, self._torso.forward)
        )
        turn = math.radians(turn_deg)
        across, ahead = (side + off) * math.sin(turn), forward + (front + off) * math.cos(turn)
        return top + down * (crotch - top) + stance.offset(across, 0.0, ahead)

    def _draw_torso(self, body: Body) -> None:
        stance, neck = body.stance, body.stance.neck
        top, crotch = _torso_axis(stance)
        body.sweep(top, crotch, self._torso, "torso")
        throat = stance.head + stance.offset(0.0, -0.040, -0.006)
        body.sweep(throat, neck + stance.offset(0.0, 0.0, -0.004), self._neck, "skin")
        around = 0.036 * self._build.limbs + 0.5 * self._top.bulk
        if self._top.collar or self._top.neckline == "high":
            high = 0.048 if self._top.neckline == "high" else 0.040
            collar = profile((0.0, around), (1.0, around + 0.016), round_start=False)
            start = neck + stance.offset(0.0, high, -0.004)
            body.sweep(start, neck + stance.offset(0.0, 0.006, -0.004), collar, "collar")
        if self._top.hood:
            place = neck + stance.offset(0.0, 0.020, -0.046)
            body.ball(place, stance.axes, (0.062, 0.040, 0.034), "hood")

    def _draw_arm(self, body: Body, shoulder: _Point, elbow: _Point, wrist: _Point) -> None:
        upper, fore, hand = self._arms
        # The arm starts inside the torso, whose slope then forms the shoulder.
        shoulder = shoulder + 0.09 * (body.stance.pelvis - shoulder)
        body.sweep(shoulder, elbow, upper, "upper_arm")
        body.sweep(elbow, wrist, fore, "forearm")
        reach = wrist - elbow
        reach = reach / max(float(np.linalg.norm(reach)), 1e-6) * body.stance.unit
        body.sweep(wrist - 0.010 * reach, wrist + 0.072 * reach, hand, "skin")

    def _draw_leg(self, body: Body, hip: _Point, knee: _Point, ankle: _Point) -> None:
        thigh, shank = self._legs
        hidden = self._cover.start
        if hidden < 1.0:
            body.sweep(hip + hidden * (knee - hip), knee, thigh, "thigh")
        start = knee + max(0.0, hidden - 1.0) * (ankle - knee)
        body.sweep(start, ankle, shank, "shank")
        self._draw_foot(body, knee, ankle)

    def _draw_foot(self, body: Body, knee: _Point, ankle: _Point) -> None:
        shoe = self._shoe
        axes = _foot_axes(body.stance, knee, ankle)

        def at(*offset: float) -> _Point:
            return ankle + np.array(offset) @ axes * body.stance.unit

        wide = 0.030 if shoe.kind in ("boot", "sneaker") else 0.027
        lifted = -0.014 + 0.3 * shoe.heel
        body.ball(at(0.0, -0.022, 0.046), axes, (wide, 0.019, 0.062), "shoe")
        body.ball(at(0.0, lifted, -0.004), axes, (0.9 * wide, 0.027, 0.033), "shoe_heel")
        body.ball(at(0.0, -0.036, 0.030), axes, (wide + 0.002, 0.009, 0.078), "sole")
        if shoe.heel > 0.02:
            thin = profile((0.0, 0.012), (1.0, 0.006))
            body.sweep(at(0.0, -0.022, -0.024), at(0.0, -0.044, -0.026), thin, "sole")
        shaft_top = min(shoe.shaft, 2.0 - self._cover.start)  # no higher than the skirt's hem
        if shaft_top > 0.0:
            loose = 0.5 * self._bottom.loose if self._bottom.reach > 0.8 else 0.0
            wide = 0.040 * self._build.limbs + loose
            shaft = profile((0.0, wide), (0.6, 0.9 * wide), (1.0, 0.86 * wide), round_start=False)
            body.sweep(ankle + (knee - ankle) * shaft_top, ankle, shaft, "shaft")

    def _draw_cone(
        self, body: Body, part: str, *, drop: float, flare: float, extra: float = 0.0
    ) -> None:
        """Draw a garment that hangs from the waist around both legs.

        Args:
            body: what it is drawn on.
            part: "skirt" or "tails".
            drop: how far below the hips it ends, in body heights.
            flare: how much wider than the hips its hem is.
            extra: distance from the waist.
        """
        stance, build = body.stance, self._build
        # Where the legs are at the height of the hem: the cloth must go around them.
        share = min(drop / LEG_LENGTH, 1.0)
        places = [_leg_place(stance, leg, share) for leg in LEGS]
        middle, spread = 0.5 * sum(places), 0.5 * abs(places[0] - places[1])
        waist = self._waist + extra
        hips = 0.103 * build.girth * build.hips + 0.4 * flare
        leg = 0.058 * build.limbs + 0.5 * self._bottom.loose
        length = drop + 0.075
        at_hips = min(0.10 / length, 0.6)
        deep = max(0.075 * build.girth + flare, (1.32 - 0.26 * share) * (spread + leg))
        shape = profile(
            (0.0, waist, 0.76 * waist, 0.0),
            (at_hips, hips, 0.086 * build.girth + 0.3 * flare, 0.25 * middle - 0.004),
            (1.0, hips + flare, deep, middle),
            round_end=False,
        )
        start = stance.pelvis + stance.offset(0.0, 0.072, 0.0)
        body.sweep(start, start + stance.offset(0.0, -length, 0.0), shape, part, over=True)


def _torso_axis(stance: Stance) -> tuple[_Point, _Point]:
    neck, pelvis = stance.neck, stance.pelvis
    return neck + stance.offset(0.0, 0.022, -0.006), pelvis + stance.offset(0.0, -0.048, 0.0)


def _foot_axes(stance: Stance, knee: _Point, ankle: _Point) -> np.ndarray:
    """(3, 3) left, up and forward of a foot.

    It follows the shank's tilt, so that toes lift and heels rise with the step.
    """
    shank = (ankle - knee) / max(float(np.linalg.norm(ankle - knee)), 1e-6)
    forward = stance.axes[2] - 0.62 * float(stance.axes[2] @ shank) * shank
    forward /= np.linalg.norm(forward)
    left = stance.axes[0]
    (a, b, c), (d, e, f) = forward.tolist(), left.tolist()
    up = np.array((b * f - c * e, c * d - a * f, a * e - b * d))  # forward x left
    up = up if float(up @ stance.axes[1]) > 0.0 else -up
    return np.stack([left, up, forward])


def _leg_place(stance: Stance, leg: tuple[int, int, int], share: float) -> float:
    """Return how far a leg is in front of the pelvis at a share of its length, in body heights."""
    hip, knee, ankle = leg
    low, high, part = (knee, hip, share / 0.5) if share < 0.5 else (ankle, knee, share * 2 - 1)
    joints = stance.joints
    point = joints[high] + (joints[low] - joints[high]) * min(part, 1.0)
    return stance.along(point - stance.pelvis, 2)

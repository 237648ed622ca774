"""Head, face and hair; the face is painted on the head, so it is seen from the front only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import palette, wardrobe
from .anatomy import Stance
from .atlas import Texture
from .face import paint_face, paint_strands
from .person import Person
from .sections import Profile, profile
from .surfaces import DepthBuffer

_Offset = tuple[float, float, float]  # left, up, forward in body heights

# Half sizes of the head in body heights: across, up, deep.
_HEAD = np.array((0.0480, 0.0690, 0.0585))
_CENTER = np.array((0.0, -0.004, 0.002))  # of the head, from the middle between the ears
# Where hair of each length ends below the head's center, in body heights.
_ENDS = {"chin": 0.075, "shoulder": 0.130, "long": 0.225, "waist": 0.33}


@dataclass(frozen=True, kw_only=True)
class Head:
    """A head in one pose, which hair and hats are drawn on.

    Attributes:
        buffer: what is drawn into.
        stance: the pose.
        center: (3,) center of the head in buffer pixels.
        scale: size of the head against the average.
    """

    buffer: DepthBuffer
    stance: Stance
    center: np.ndarray
    scale: float

    def point(self, offset: _Offset) -> np.ndarray:
        """Return the place at an offset from the center, both of an average head."""
        return self.center + self.stance.offset(*(self.scale * np.array(offset)))

    def ball(self, offset: _Offset, radii: _Offset, texture: Texture) -> None:
        """Draw an ellipsoid at an offset from the center."""
        size = self.scale * self.stance.unit * np.array(radii)
        self.buffer.ellipsoid(self.point(offset), self.stance.axes, size, texture)

    def sweep(self, start: np.ndarray, end: np.ndarray, shape: Profile, texture: Texture) -> None:
        """Draw a tube between two places."""
        unit = self.stance.unit * self.scale
        self.buffer.sweep(start, end, shape, texture, unit=unit)


class Hairdo:
    """Everything above the neck.

    Args:
        person: whose head it is.
        head_scale: size of the world's heads against natural proportions.
        back_depth: how far back the shoulder blades reach, in body heights.
    """

    def __init__(self, person: Person, *, head_scale: float, back_depth: float) -> None:
        self._style = wardrobe.hair(person.words["hairstyle"])
        self._back_depth = back_depth
        self._scale = head_scale * (1.0 if person.woman else 1.02)
        color = palette.hair(person.words["hair_color"]) * person.rng.uniform(0.92, 1.08)
        self._skin = person.atlas.add(np.broadcast_to(person.skin, (1, 1, 3)))
        self._face = person.atlas.add(paint_face(person, self._style, color))
        self._strands = person.atlas.add(paint_strands(self._style, color, person.rng))
        self._fall = self._fall_profile()

    def draw(self, buffer: DepthBuffer, stance: Stance) -> Head:
        """Draw the head in a pose, over what is in the buffer, and return its place."""
        scale, style = self._scale, self._style
        center = stance.head + stance.offset(*(scale * _CENTER))
        buffer.ellipsoid(center, stance.axes, _HEAD * scale * stance.unit, self._face)
        head = Head(buffer=buffer, stance=stance, center=center, scale=scale)
        head.ball((0.0, -0.012, 0.058), (0.009, 0.013, 0.010), self._skin)  # nose
        if style.length in ("bald", "buzz", "short") or style.tied:
            for side in (-1.0, 1.0):  # ears
                head.ball((side * 0.048, -0.006, -0.006), (0.007, 0.017, 0.011), self._skin)
        if style.length not in ("bald", "buzz"):
            self._cap(head)
            if style.tied:
                self._tie(head)
            elif style.length in _ENDS:
                self._loose(head)
        return head

    def _cap(self, head: Head) -> None:
        volume = self._style.volume
        back = 0.07 * (volume - 1.0)  # thick hair grows backwards, not over the face
        if self._style.texture == "afro":
            head.ball((0.0, 0.026, -0.030), (0.074, 0.072, 0.071), self._strands)
            return
        if self._style.length == "short" and not self._style.tied:
            place, radii = (0.0, 0.021, -0.011 - back), (0.0515, 0.0585, 0.0585)
        else:
            place, radii = (0.0, 0.013 + 0.8 * back, -0.013 - back), (0.0545, 0.0665, 0.0610)
        across, up, deep = radii
        head.ball(place, (across * volume, up * volume, deep * volume), self._strands)

    def _tie(self, head: Head) -> None:
        volume, tied = self._style.volume, self._style.tied
        if tied == "bun":
            radii = (0.030 * volume, 0.030 * volume, 0.028 * volume)
            head.ball((0.0, 0.050, -0.062), radii, self._strands)
            return
        length = {"waist": 0.26, "long": 0.20}.get(self._style.length, 0.13)
        if tied == "twin tails":
            for side in (-1.0, 1.0):
                tip = (side * 0.080, -0.45 * length - 0.05, -0.030)
                self._tail(head, (side * 0.052, 0.0, -0.026), tip, 0.021 * volume)
        elif tied == "high ponytail":
            tip = (0.0, 0.030 - length, -0.040 - self._back_depth)
            self._tail(head, (0.0, 0.042, -0.056), tip, 0.026 * volume)
        else:
            tip = (0.0, -0.040 - length, -0.030 - self._back_depth)
            thick = 0.022 if tied == "braid" else 0.026
            self._tail(head, (0.0, -0.018, -0.060), tip, thick * volume)

    def _tail(self, head: Head, root: _Offset, tip: _Offset, radius: float) -> None:
        shape = profile(
            (0.0, radius * 0.7), (0.3, radius), (0.75, radius * 0.85), (1.0, radius * 0.3)
        )
        if self._style.tied == "braid":
            shape = _rippled(shape, waves=5.0, depth=0.16)
        head.sweep(head.point(root), head.point(tip), shape, self._strands)

    def _loose(self, head: Head) -> None:
        """Draw a curtain behind the head; hair below the shoulders rests on the back."""
        end = _ENDS[self._style.length]
        back = -0.022 - (self._back_depth - 0.010) * min(max(end - 0.07, 0.0) / 0.08, 1.0)
        tip = head.center + head.stance.offset(0.0, -end * self._scale, back)
        head.sweep(head.point((0.0, 0.010, -0.024)), tip, self._fall, self._strands)

    def _fall_profile(self) -> Profile:
        wide = 0.056 * self._style.volume
        if self._style.length == "chin":
            shape = profile(
                (0.0, wide, 0.050), (0.6, wide * 1.10, 0.052), (1.0, wide * 1.05, 0.048)
            )
        else:
            shape = profile(
                (0.0, wide, 0.048), (0.35, wide * 1.04, 0.046), (0.7, wide * 1.05, 0.030),
                (1.0, wide * 0.85, 0.018),
            )  # fmt: skip
        waves = {"wavy": 3.0, "curly": 5.0}.get(self._style.texture)
        return shape if waves is None else _rippled(shape, waves=waves, depth=0.06)


def _rippled(shape: Profile, *, waves: float, depth: float) -> Profile:
    """Make a profile alternately wider and narrower along its axis."""
    turns = np.linspace(0.0, waves * 2.0 * np.pi, len(shape.side))
    return replace(shape, side=shape.side * (1.0 + depth * np.sin(turns)))

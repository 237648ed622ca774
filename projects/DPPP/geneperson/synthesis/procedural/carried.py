"""Carried things, shaped and attached to the body: backpack, bag, umbrella and hat.

Glasses are painted on the face (:mod:`.face`). Places are offsets (left, up, forward) in body
heights; on the torso, a place is how far down and how far around it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from ...posing.skeletons import ARMS
from . import palette, wardrobe
from .accessories import accessories
from .anatomy import Stance
from .atlas import Texture, rows_along
from .hairdo import Head
from .outfit import Body, Outfit
from .person import Person
from .sections import profile
from .surfaces import DepthBuffer

_COLORS = ("black", "dark grey", "navy blue", "brown", "burgundy", "olive green")
# From under the arm over the chest and the shoulder to the shoulder blade: (down, degrees around).
_PACK_STRAP = ((0.44, 78), (0.32, 50), (0.18, 37), (0.09, 55), (0.06, 90), (0.10, 130), (0.2, 145))
# From a shoulder over the chest down to the other hip; the back is its mirror image.
_CROSS_STRAP = (
    (0.05, -90), (0.09, -58), (0.17, -34), (0.29, -10), (0.42, 14), (0.56, 42), (0.70, 72),
    (0.80, 88),
)  # fmt: skip
_flat = partial(profile, round_start=False, round_end=False)
_STRAP = profile((0.0, 0.0105), (1.0, 0.0105))
_ROD = profile((0.0, 0.0055), (1.0, 0.0055))
_CANOPY = _flat(
    (0.0, 0.010), (0.06, 0.062), (0.16, 0.105), (0.34, 0.148), (0.6, 0.180), (1.0, 0.200)
)
_PACK = profile((0.0, 0.070, 0.034), (0.2, 0.089, 0.046), (0.7, 0.095, 0.052), (1.0, 0.086, 0.044))
# Half thickness across the body and half width along it, and the height.
_BAGS = {
    "shoulder": (_flat((0.0, 0.020, 0.062), (0.12, 0.026, 0.074), (1.0, 0.024, 0.072)), 0.115),
    "hand": (_flat((0.0, 0.016, 0.054), (0.8, 0.030, 0.071), (1.0, 0.026, 0.068)), 0.105),
    "tote": (_flat((0.0, 0.012, 0.072), (0.5, 0.024, 0.074), (1.0, 0.020, 0.070)), 0.175),
}


class Carried:
    """What one person carries.

    Args:
        person: who carries it.
        outfit: the dressed body that it lies on.
        rng: chooses the side, and the color if the words name none; of its own, so that people
            who carry nothing look the same without it.
    """

    def __init__(self, person: Person, outfit: Outfit, rng: np.random.Generator) -> None:
        self._things = accessories(person.words)
        self._outfit = outfit
        self._side = 1.0 if rng.uniform() < 0.5 else -1.0  # 1 = the person's left
        # One arm for a bag, the other for an umbrella.
        self._low, self._raised = ARMS if self._side < 0.0 else ARMS[::-1]
        color = palette.named(person.words.get("carrying", ""))
        if color is None:
            color = palette.fabric(_COLORS[rng.integers(len(_COLORS))])
        # A hat sits on the hair; the thickest hair comes out below it.
        volume = wardrobe.hair(person.words["hairstyle"]).volume
        self._hat_size = min(max(1.0, 0.97 * volume), 1.2)
        painted = {
            "plain": np.broadcast_to(color, (1, 1, 3)),
            "dark": np.broadcast_to(0.62 * color, (1, 1, 3)),
            "pocket": np.broadcast_to(0.82 * color, (1, 1, 3)),
            "metal": np.full((1, 1, 3), 92.0),
            "pack": _paint_pack(color),
            "bag": _paint_bag(color),
            "canopy": _paint_canopy(color),
        }
        self._textures: dict[str, Texture] = {
            name: person.atlas.add(image) for name, image in painted.items()
        }

    def hold(self, stance: Stance) -> Stance:
        """Raise the arm that holds an umbrella."""
        if not self._things.umbrella:
            return stance
        shoulder, elbow, wrist = self._raised
        joints = stance.joints.copy()
        joints[elbow] = joints[shoulder] + stance.offset(-0.028 * self._side, -0.158, 0.040)
        joints[wrist] = joints[elbow] + stance.offset(0.050 * self._side, 0.078, 0.105)
        return replace(stance, joints=joints)

    def draw(self, buffer: DepthBuffer, stance: Stance, head: Head) -> None:
        """Draw everything, over the dressed body and the head in the buffer."""
        things = self._things
        body = Body(buffer=buffer, stance=stance, textures=self._textures)
        if things.hat:
            self._draw_hat(head)
        if things.backpack:
            self._draw_backpack(body)
        if things.bag == "shoulder":
            self._draw_shoulder_bag(body)
        elif things.bag:
            self._draw_hand_bag(body)
        if things.umbrella:
            self._draw_umbrella(body, head)

    def _draw_backpack(self, body: Body) -> None:
        stance = body.stance
        top, bottom = (self._outfit.on_torso(stance, down, 180.0, 0.036) for down in (0.21, 0.68))
        body.sweep(top, bottom, _PACK, "pack")
        pocket = top + 0.66 * (bottom - top) + stance.offset(0.0, 0.0, -0.036)
        body.ball(pocket, stance.axes, (0.070, 0.052, 0.026), "pocket")
        for side in (-1.0, 1.0):
            self._draw_strap(body, [(down, side * turn) for down, turn in _PACK_STRAP])

    def _draw_shoulder_bag(self, body: Body) -> None:
        side, stance = self._side, body.stance
        self._draw_strap(body, [(down, side * turn) for down, turn in _CROSS_STRAP])
        self._draw_strap(body, [(down, side * (180.0 - turn)) for down, turn in _CROSS_STRAP])
        top = self._outfit.on_torso(stance, 0.80, 90.0 * side, 0.026)
        self._draw_bag(body, top + stance.offset(0.0, 0.0, -0.012))

    def _draw_strap(self, body: Body, path: Sequence[tuple[float, float]]) -> None:
        """Draw a strap over the torso along places (down, degrees around)."""
        points = [self._outfit.on_torso(body.stance, down, turn, 0.002) for down, turn in path]
        for start, end in pairwise(points):
            body.sweep(start, end, _STRAP, "dark")

    def _draw_hand_bag(self, body: Body) -> None:
        stance = body.stance
        _, elbow, wrist = (stance.joints[joint] for joint in self._low)
        reach = wrist - elbow
        hand = wrist + reach / max(float(np.linalg.norm(reach)), 1e-6) * 0.062 * stance.unit
        top = hand + stance.offset(0.006 * self._side, -0.050, 0.0)
        top[0] = _inside(top[0], 0.085 * stance.unit, body.buffer.width)
        for forward in (-0.040, 0.040):
            body.sweep(hand, top + stance.offset(0.0, -0.006, forward), _ROD, "dark")
        self._draw_bag(body, top)

    def _draw_bag(self, body: Body, top: np.ndarray) -> None:
        shape, tall = _BAGS[self._things.bag]
        body.sweep(top, top + body.stance.offset(0.0, -tall, 0.0), shape, "bag")

    def _draw_umbrella(self, body: Body, head: Head) -> None:
        """Draw rod and canopy; what would leave the cell is made smaller, flatter, or moved."""
        stance, height, width = body.stance, body.buffer.height, body.buffer.width
        wide = min(1.0, 0.46 * width / (_CANOPY.side[-1] * stance.unit))
        shape = replace(_CANOPY, side=wide * _CANOPY.side, front=wide * _CANOPY.front)
        rim = head.center + stance.offset(-0.030 * self._side, 0.055 * head.scale, 0.020)
        rim[0] = _inside(rim[0], shape.side[-1] * stance.unit, width)
        rise = stance.offset(0.0, 0.100, 0.0)
        apex = rim + rise * np.clip((rim[1] - 0.015 * height) / -rise[1], 0.4, 1.0)
        body.sweep(apex, rim, shape, "canopy")
        _, elbow, wrist = (stance.joints[joint] for joint in self._raised)
        hand = wrist + 0.25 * (wrist - elbow)
        body.sweep(hand + stance.offset(0.0, -0.05, 0.0), apex, _ROD, "metal")

    def _draw_hat(self, head: Head) -> None:
        size, kind = self._hat_size, self._things.hat
        plain, dark = self._textures["plain"], self._textures["dark"]
        back = 0.06 * (size - 1.0)  # thick hair grows backwards

        def band(high: float, low: float, wide: float, texture: Texture, *, top: bool) -> None:
            side, front = size * wide, size * (wide + 0.011) + back
            shape = profile(
                (0.0, side, front), (1.0, side, front), round_start=top, round_end=False
            )
            start, end = (head.point((0.0, size * up, -0.007 - back)) for up in (high, low))
            head.sweep(start, end, shape, texture)

        band(0.040, 0.024, 0.056, plain, top=True)
        if kind == "beanie":
            band(0.046, 0.020, 0.059, dark, top=False)
        elif kind == "cap":
            head.ball((0.0, 0.027 * size, 0.074 * size), (0.043, 0.0065, 0.044), dark)
        else:
            band(0.046, 0.032, 0.0575, dark, top=False)
            head.ball((0.0, 0.030 * size, -0.004), (0.112 * size, 0.008, 0.120 * size), plain)


def _inside(x: float, reach: float, width: int) -> float:
    """Move the middle of something that reaches so far to both sides into a cell, all in pixels."""
    margin = reach + 0.02 * width
    return float(np.clip(x, margin, max(width - margin, margin)))


def _paint_pack(color: np.ndarray) -> np.ndarray:
    """(rows, columns, 3): seams along both sides and a zip across the top."""
    v, u = rows_along(64), (np.arange(96)[None, :] + 0.5) / 96 - 0.5
    seam = np.abs(np.abs(u) - 0.30) < 0.012
    zipper = (np.abs(v - 0.16) < 0.022) & (np.abs(u) > 0.30)
    return color * np.where(seam | zipper, 0.55, 1.0)[:, :, None]


def _paint_bag(color: np.ndarray) -> np.ndarray:
    """(rows, columns, 3): a rim at the top and a flap's edge below it."""
    v = rows_along(48)[:, :, None]
    edge = (v < 0.06) | (np.abs(v - 0.42) < 0.03)
    return np.broadcast_to(color * np.where(edge, 0.66, 1.0), (48, 2, 3))


def _paint_canopy(color: np.ndarray) -> np.ndarray:
    """(rows, columns, 3): eight panels between ribs, alternately lighter and darker."""
    panels = (np.arange(128) + 0.5) / 16.0
    shade = np.where(panels.astype(int) % 2 == 0, 1.0, 0.86)
    shade = np.where(np.abs(panels % 1.0 - 0.5) > 0.45, 0.62, shade)
    return np.broadcast_to(color * shade[None, :, None], (2, 128, 3))

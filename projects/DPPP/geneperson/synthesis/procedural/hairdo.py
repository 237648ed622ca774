"""Head, face and hair; the face is painted on the head, so it is seen from the front only."""

from __future__ import annotations

import numpy as np

from . import palette, wardrobe
from .anatomy import Stance
from .surfaces import Atlas, DepthBuffer, Profile, Texture, profile

_Offset = tuple[float, float, float]  # left, up, forward in body heights

_ROWS, _COLUMNS = 72, 128
# Half sizes of the head in body heights: across, up, deep.
_HEAD = np.array((0.0480, 0.0690, 0.0585))
_CENTER = (0.0, -0.004, 0.002)  # of the head, from the middle between the ears
# Where hair of each length ends below the head's centre, in body heights.
_ENDS = {"chin": 0.075, "shoulder": 0.130, "long": 0.225, "waist": 0.33}


class Hairdo:
    """Everything above the neck."""

    def __init__(
        self, words: dict[str, str], woman: bool, skin: np.ndarray, stream: np.random.Generator,
        atlas: Atlas, head_scale: float, back_depth: float,
    ):  # fmt: skip
        self._style = wardrobe.hair(words["hairstyle"])
        self._back_depth = back_depth
        self._scale = head_scale * (1.0 if woman else 1.02)
        color = palette.hair(words["hair_color"]) * stream.uniform(0.92, 1.08)
        self._color = np.float32(color)
        self._stream = stream
        self._skin_texture = atlas.add(np.broadcast_to(skin, (1, 1, 3)))
        self._face = atlas.add(self._paint_face(skin, woman))
        self._strands = atlas.add(self._paint_strands())
        self._fall = self._fall_profile()

    def draw(self, buffer: DepthBuffer, stance: Stance) -> None:
        k = self._scale
        center = stance.head + stance.offset(*(k * np.array(_CENTER)))
        radii = tuple(_HEAD * k * stance.unit)
        buffer.ellipsoid(center, stance.axes, radii, self._face)
        self._ball(
            buffer, stance, center, (0.0, -0.012, 0.058), (0.009, 0.013, 0.010), self._skin_texture
        )
        style = self._style
        if style.length in ("bald", "buzz") or style.length == "short" or style.tied:
            for side in (-1.0, 1.0):
                self._ball(
                    buffer,
                    stance,
                    center,
                    (side * 0.048, -0.006, -0.006),
                    (0.007, 0.017, 0.011),
                    self._skin_texture,
                )
        if style.length in ("bald", "buzz"):
            return
        self._cap(buffer, stance, center)
        if style.tied:
            self._tie(buffer, stance, center)
        elif style.length in _ENDS:
            self._loose(buffer, stance, center)

    def _cap(self, buffer: DepthBuffer, stance: Stance, center: np.ndarray) -> None:
        v = self._style.volume
        back = 0.07 * (v - 1.0)  # thick hair grows backwards, not over the face
        if self._style.texture == "afro":
            self._ball(
                buffer, stance, center, (0.0, 0.026, -0.030), (0.074, 0.072, 0.071), self._strands
            )
            return
        if self._style.length == "short" and not self._style.tied:
            self._ball(
                buffer,
                stance,
                center,
                (0.0, 0.021, -0.011 - back),
                (0.0515 * v, 0.0585 * v, 0.0585 * v),
                self._strands,
            )
        else:
            self._ball(
                buffer,
                stance,
                center,
                (0.0, 0.013 + 0.8 * back, -0.013 - back),
                (0.0545 * v, 0.0665 * v, 0.0610 * v),
                self._strands,
            )

    def _tie(self, buffer: DepthBuffer, stance: Stance, center: np.ndarray) -> None:
        v, tied = self._style.volume, self._style.tied
        if tied == "bun":
            self._ball(
                buffer,
                stance,
                center,
                (0.0, 0.050, -0.062),
                (0.030 * v, 0.030 * v, 0.028 * v),
                self._strands,
            )
            return
        length = {"waist": 0.26, "long": 0.20}.get(self._style.length, 0.13)
        if tied == "twin tails":
            for side in (-1.0, 1.0):
                self._strand(
                    buffer,
                    stance,
                    center,
                    (side * 0.052, 0.000, -0.026),
                    (side * 0.080, -0.45 * length - 0.05, -0.030),
                    0.021 * v,
                )
        elif tied == "high ponytail":
            self._strand(
                buffer,
                stance,
                center,
                (0.0, 0.042, -0.056),
                (0.0, 0.030 - length, -0.040 - self._back_depth),
                0.026 * v,
            )
        else:
            low = 0.022 if tied == "braid" else 0.026
            self._strand(
                buffer,
                stance,
                center,
                (0.0, -0.018, -0.060),
                (0.0, -0.040 - length, -0.030 - self._back_depth),
                low * v,
            )

    def _loose(self, buffer: DepthBuffer, stance: Stance, center: np.ndarray) -> None:
        """A curtain behind the head; it lies on the back where it is long enough to reach it."""
        end = _ENDS[self._style.length]
        # Hair that reaches below the shoulders lies on the back.
        back = -0.022 - (self._back_depth - 0.010) * min(max(end - 0.07, 0.0) / 0.08, 1.0)
        start = center + stance.offset(0.0, 0.010 * self._scale, -0.024 * self._scale)
        tip = center + stance.offset(0.0, -end * self._scale, back)
        buffer.sweep(start, tip, self._fall, stance.unit * self._scale, stance.turn, self._strands)

    def _fall_profile(self) -> Profile:
        v = self._style.volume
        wide = 0.056 * v
        knots = [(0.0, wide, 0.048), (0.35, wide * 1.04, 0.046), (0.7, wide * 1.05, 0.030),
                 (1.0, wide * 0.85, 0.018)]  # fmt: skip
        if self._style.length == "chin":
            knots = [(0.0, wide, 0.050), (0.6, wide * 1.10, 0.052), (1.0, wide * 1.05, 0.048)]
        shape = profile(*knots)
        if self._style.texture in ("wavy", "curly"):
            waves = 3.0 if self._style.texture == "wavy" else 5.0
            ripple = 1.0 + 0.06 * np.sin(np.linspace(0.0, waves * 2.0 * np.pi, len(shape.side)))
            shape.side[:] = shape.side * ripple
        return shape

    def _strand(
        self, buffer: DepthBuffer, stance: Stance, center: np.ndarray, start: _Offset, end: _Offset,
        radius: float,
    ) -> None:  # fmt: skip
        """A tail of hair; `start` and `end` are offsets from the head's centre."""
        k = self._scale
        shape = profile(
            (0.0, radius * 0.7), (0.3, radius), (0.75, radius * 0.85), (1.0, radius * 0.3)
        )
        if self._style.tied == "braid":
            shape.side[:] *= 1.0 + 0.16 * np.sin(np.linspace(0.0, 10.0 * np.pi, len(shape.side)))
        buffer.sweep(
            center + stance.offset(*(k * np.array(start))),
            center + stance.offset(*(k * np.array(end))),
            shape, stance.unit * k, stance.turn, self._strands,
        )  # fmt: skip

    def _ball(
        self, buffer: DepthBuffer, stance: Stance, center: np.ndarray, offset: _Offset,
        radii: tuple[float, float, float], texture: Texture,
    ) -> None:  # fmt: skip
        """An ellipsoid at an offset from the head's centre, both in body heights."""
        k = self._scale
        place = center + stance.offset(*(k * np.array(offset)))
        buffer.ellipsoid(place, stance.axes, tuple(k * stance.unit * np.array(radii)), texture)

    def _paint_strands(self) -> np.ndarray:
        """(rows, columns, 3): fine streaks along the hair, blobs for curls."""
        stream = self._stream
        if self._style.texture in ("curly", "afro"):
            light = stream.normal(0.0, 0.16, (_ROWS, _COLUMNS))
        else:
            light = stream.normal(0.0, 0.10, (1, _COLUMNS)) + stream.normal(
                0.0, 0.04, (_ROWS, _COLUMNS)
            )
        sheen = 0.14 * np.exp(-(((np.linspace(0.0, 1.0, _ROWS) - 0.28) / 0.12) ** 2))
        light = 1.0 + light + sheen[:, None]
        return self._color * light[:, :, None] + 5.0 * light[:, :, None]

    def _paint_face(self, skin: np.ndarray, woman: bool) -> np.ndarray:
        """(rows, columns, 3): face at u = 0.5, hair where it grows from the scalp."""
        v = (np.arange(_ROWS)[:, None] + 0.5) / _ROWS
        u = (np.arange(_COLUMNS)[None, :] + 0.5) / _COLUMNS - 0.5
        face = np.broadcast_to(skin, (_ROWS, _COLUMNS, 3)).copy()
        blush = np.exp(-(((np.abs(u) - 0.085) / 0.04) ** 2) - ((v - 0.60) / 0.07) ** 2)
        face += blush[:, :, None] * np.float32((10.0, -8.0, -8.0))
        # Eye sockets, brows, eyes, mouth; v runs from crown to chin by height.
        socket = np.exp(-(((np.abs(u) - 0.066) / 0.035) ** 2) - ((v - 0.455) / 0.035) ** 2)
        face *= (1.0 - 0.22 * socket)[:, :, None]
        ellipse = _ellipse
        brow = ellipse(np.abs(u) - 0.066, v - 0.395, 0.036, 0.013)
        face[brow] = 0.75 * np.minimum(self._color, 150.0) + 0.25 * skin
        face[ellipse(np.abs(u) - 0.066, v - 0.465, 0.028, 0.019)] = np.minimum(
            skin * 0.3 + 165.0, 240.0
        )
        face[ellipse(np.abs(u) - 0.066, v - 0.465, 0.015, 0.021)] = (44.0, 32.0, 28.0)
        lips = (
            skin * (0.80, 0.58, 0.58) if not woman else 0.5 * skin + 0.5 * np.float32((176, 54, 66))
        )
        face[ellipse(u, v - 0.725, 0.046, 0.018)] = lips
        if self._style.length != "bald":
            # The hairline is high over the brow and falls to the nape behind the ears.
            behind = np.clip((np.abs(u) - 0.17) / 0.10, 0.0, 1.0)
            line = (0.30 if self._style.bangs else 0.20) + 0.42 * behind
            if self._style.bangs:
                line = np.where(np.abs(u) < 0.17, 0.365 + 0.012 * np.sin(u * 150.0), line)
            scalp = np.broadcast_to(v < line, (_ROWS, _COLUMNS))
            thin = 0.55 if self._style.length == "buzz" else 1.0
            streaks = self._stream.normal(0.0, 0.08, (_ROWS, _COLUMNS, 1))
            hair = self._color * (1.0 + streaks) * thin + skin * (1.0 - thin) * 0.8
            face = np.where(scalp[:, :, None], hair, face)
        if not woman and self._stream.uniform() < 0.35:
            beard = (v > 0.66) & (np.abs(u) < 0.20) & ~ellipse(u, v - 0.725, 0.046, 0.018)
            face = np.where(beard[:, :, None], 0.55 * face + 0.45 * self._color, face)
        return face


def _ellipse(u: np.ndarray, v: np.ndarray, half_u: float, half_v: float) -> np.ndarray:
    return (u / half_u) ** 2 + (v / half_v) ** 2 < 1.0

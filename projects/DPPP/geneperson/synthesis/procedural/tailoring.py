"""Textures of one outfit: cloth cut for each body part, with collars, fronts, hems and belts.

A texel has four values, RGB 0..255 and the strength of the folds there.

On every part u = 0.5 is the front. What is painted around it (an open jacket, buttons, a neckline)
is therefore seen only from the front.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...posing.skeletons import (
    FOREARM_LENGTH,
    LEG_LENGTH,
    SHANK_LENGTH,
    THIGH_LENGTH,
    UPPER_ARM_LENGTH,
)
from . import palette
from .atlas import Texture, rows_along
from .body_profiles import HIP
from .footwear import paint_shoes
from .person import Person
from .textiles import Cloth, Piece, cloth, swatch
from .wardrobe import Clothes, leg_cover

_TORSO_LENGTH = 0.385  # neck base to crotch, body heights
_WAIST = 0.70  # v of the waistband
_INNER = ("white", "light grey", "black", "cream", "sky blue", "dark grey")


class Tailor:
    """Paints every texture of an outfit into the atlas.

    Args:
        person: who wears it.
        worn: the garments.

    Attributes:
        textures: part of the outfit -> its texture.
        tucked: whether the top is tucked into a skirt.
    """

    def __init__(self, person: Person, worn: Clothes) -> None:
        words, rng, top, bottom = person.words, person.rng, worn.top, worn.bottom
        self._skin, self._top, self._bottom = _without_folds(person.skin), top, bottom
        upper_color = palette.fabric(words["upper_color"])
        lower_color = palette.fabric(words["lower_color"])
        if bottom.denim:  # indigo fades to grey
            lower_color = 0.78 * lower_color + 0.22 * lower_color.mean()
        folds = 0.5 if top.quilted else 1.0
        self._upper = cloth(upper_color, words["upper_pattern"], rng, folds=folds)
        self._lower = cloth(lower_color, words["lower_pattern"], rng, folds=0.9)
        inner = [palette.fabric(name) for name in _INNER]
        # The shirt under an open jacket is one of the colors that differ from the jacket.
        inner = [c for c in inner if float(np.abs(c - upper_color).sum()) > 120.0]
        self._inner = _without_folds(inner[rng.integers(len(inner))])
        self.tucked = bottom.kind == "skirt" and top.hem == 0.0 and top.bulk < 0.006
        painted = {
            "skin": np.broadcast_to(self._skin, (1, 1, 4)),
            "torso": self._paint_torso(),
            **self._paint_arms(),
            **self._paint_legs(),
            "collar": self._paint_collar(),
            **paint_shoes(worn.shoe, palette.fabric(words["footwear_color"]), person.skin),
        }
        if top.hood:
            painted["hood"] = self._paint_hood()
        if top.hem > 0.0:
            painted["tails"] = self._paint_tails()
        if bottom.kind == "skirt":
            painted["skirt"] = self._paint_skirt()
        self.textures: dict[str, Texture] = {
            part: person.atlas.add(image) for part, image in painted.items()
        }

    def _cut_upper(self, piece: Piece) -> np.ndarray:
        """Cut a piece of the top's cloth, with the seams of a quilted one."""
        image = _cut(self._upper, piece)
        if self._top.quilted:
            y = rows_along(piece.shape[0]) * piece.along + piece.start
            seam = np.abs((y / 0.045) % 1.0 - 0.5) * 2.0
            image = image * (0.72 + 0.36 * np.sqrt(1.0 - seam**2 * 0.98))[:, :, None]
        return image

    def _paint_torso(self) -> np.ndarray:
        rows, columns = 208, 224
        top = self._top
        size = (rows, columns)
        image = self._cut_upper(Piece(part="torso", around=0.56, along=_TORSO_LENGTH, shape=size))
        v = rows_along(rows)
        u = (np.arange(columns)[None, :] + 0.5) / columns - 0.5
        self._open_front(image, u, v, 0.0)
        self._neckline(image, u, v)
        if top.sleeve == 0.0 and top.neckline == "deep":  # straps of a tank top
            strap = (np.abs(np.abs(u) - 0.13) < 0.035) | (np.abs(np.abs(u) - 0.37) < 0.035)
            image[(v < 0.15) & ~(strap & (v > 0.04))] = self._skin
        if top.pocket:
            edge = _frame(np.abs(u) / 0.11, (v - 0.64) / 0.11)
            image[edge] *= 0.78
        if top.hem > 0.0:  # the tails of a coat continue below
            return image
        hem = _WAIST if self.tucked else HIP
        hips = Piece(
            part="hips", around=0.56, along=_TORSO_LENGTH, shape=size, start=-_TORSO_LENGTH
        )
        below = _cut(self._lower, hips)
        image = np.where((v > hem)[:, :, None], below, image)
        image *= np.where(np.abs(v - hem) < 0.008, 0.72, 1.0)[:, :, None]
        if self.tucked:
            belt = np.abs(v - _WAIST) < 0.022
            image = np.where(belt[:, :, None], _without_folds(self._lower.color * 0.6), image)
        return image

    def _open_front(self, image: np.ndarray, u: np.ndarray, v: np.ndarray, start: float) -> None:
        """Paint buttons, zip or an opening with the shirt below; ``start`` is added to v."""
        front = self._top.front
        place = v + start
        if front == "open":
            gap = 0.045 + 0.035 * np.exp(-place / 0.25)
        elif front == "lapel":
            gap = np.clip(0.095 * (1.0 - place / 0.46), 0.0, 1.0)
        else:
            gap = np.zeros_like(place)
        inside = np.broadcast_to(np.abs(u) < gap, image.shape[:2])
        image[inside] = self._inner
        rim = np.broadcast_to(
            (np.abs(u) >= gap) & (np.abs(u) < gap + 0.012) & (gap > 0), inside.shape
        )
        image[rim] *= 0.62
        if front == "zip":
            image[np.broadcast_to(np.abs(u) < 0.007, inside.shape)] *= 0.5
        if front in ("buttons", "lapel"):
            low = np.broadcast_to((np.abs(u) < 0.004) & (place > 0.06), inside.shape)
            image[low & ~inside] *= 0.75
            dot = (
                (np.abs(u) < 0.011) & (np.abs((place / 0.105) % 1.0 - 0.5) < 0.055) & (place > 0.1)
            )
            dark = self._upper.color.mean() > 110.0
            image[np.broadcast_to(dot, inside.shape) & ~inside, :3] = 60.0 if dark else 205.0

    def _neckline(self, image: np.ndarray, u: np.ndarray, v: np.ndarray) -> None:
        depth, width = {"round": (0.080, 0.125), "deep": (0.15, 0.15), "high": (0.0, 0.01)}[
            self._top.neckline
        ]
        if self._top.front in ("open", "lapel", "zip") and self._top.neckline == "round":
            depth = 0.07
        bare = (u / width) ** 2 + (v / max(depth, 1e-3)) ** 2 < 1.0
        if self._top.front == "buttons":
            bare = (np.abs(u) < 0.075 * (1.0 - v / 0.12)) & (v < 0.12)
        image[np.broadcast_to(bare, image.shape[:2])] = self._skin

    def _paint_arms(self) -> dict[str, np.ndarray]:
        upper = Piece(
            part="upper_arm", around=0.21, along=UPPER_ARM_LENGTH, shape=(96, 80), start=0.04
        )
        fore = Piece(part="forearm", around=0.16, along=FOREARM_LENGTH, shape=(96, 80), start=0.21)
        sleeve = self._top.sleeve * 2.0  # in upper arm lengths, then forearm lengths
        return {
            "upper_arm": self._paint_arm(upper, sleeve),
            "forearm": self._paint_arm(fore, sleeve - 1.0),
        }

    def _paint_arm(self, piece: Piece, cover: float) -> np.ndarray:
        image = self._cut_upper(piece)
        v = rows_along(piece.shape[0])[:, :, None]
        image *= _hem(v, cover, 0.03)
        return np.where(v < cover, image, self._skin)

    def _paint_legs(self) -> dict[str, np.ndarray]:
        cover = leg_cover(self._top, self._bottom)
        thigh = Piece(
            part="thigh",
            around=0.36,
            along=THIGH_LENGTH * (1.0 - min(cover.start, 0.95)),
            shape=(128, 112),
            start=THIGH_LENGTH * cover.start,
        )
        shank = Piece(
            part="shank", around=0.26, along=SHANK_LENGTH, shape=(128, 112), start=THIGH_LENGTH
        )
        return {
            "thigh": self._paint_leg(thigh, cover.thigh),
            "shank": self._paint_leg(shank, cover.shank),
        }

    def _paint_leg(self, piece: Piece, cover: float) -> np.ndarray:
        rows, columns = piece.shape
        bottom = self._bottom
        v = rows_along(rows)[:, :, None]
        if bottom.kind == "skirt" or cover <= 0.0:
            return np.broadcast_to(self._skin, (rows, columns, 4))
        image = _cut(self._lower, piece)
        u = (np.arange(columns)[None, :, None] + 0.5) / columns - 0.5
        if bottom.denim and self._lower.color.mean() < 190:  # faded along the front
            image[:, :, :3] += 16.0 * np.exp(-((u / 0.13) ** 2))
        seam = np.abs(np.abs(u) - 0.25) < 0.008
        image = image * np.where(seam, 0.82, 1.0)
        if bottom.cargo and piece.part == "thigh":
            pocket = _frame((np.abs(np.abs(u) - 0.25)) / 0.10, (v - 0.72) / 0.16)
            image = image * np.where(pocket, 0.72, 1.0)
        image *= _hem(v, cover, 0.022)
        if cover >= 0.99:  # the lining of a long leg, where the ankle is seen into
            return image
        return np.where(v < cover, image, self._skin)

    def _paint_collar(self) -> np.ndarray:
        piece = Piece(part="collar", around=0.25, along=0.045, shape=(16, 64))
        image = self._cut_upper(piece) * 0.93
        if self._top.neckline != "high":
            u = (np.arange(64)[None, :] + 0.5) / 64 - 0.5
            image[np.abs(u) < 0.10 * (1.0 - 0.5 * rows_along(16))] = self._skin
        return image

    def _paint_hood(self) -> np.ndarray:
        piece = Piece(part="hood", around=0.30, along=0.10, shape=(24, 64))
        return self._cut_upper(piece) * 0.94

    def _paint_skirt(self) -> np.ndarray:
        rows, columns = 120, 224
        length = self._bottom.reach * LEG_LENGTH + 0.075
        piece = Piece(part="skirt", around=0.62, along=length, shape=(rows, columns))
        image = _cut(self._lower, piece)
        v = rows_along(rows)[:, :, None]
        u = (np.arange(columns)[None, :, None] + 0.5) / columns
        if self._bottom.pleated:
            pleat = (u * 28.0) % 1.0
            image *= 1.0 - np.clip(v * 2.0, 0.3, 1.0) * 0.34 * np.abs(pleat - 0.3)
        else:
            image *= 1.0 + 0.05 * np.clip(v - 0.2, 0, 1) * np.sin(u * 2.0 * np.pi * 9.0)
        image *= np.where(v < 0.05, 0.75, 1.0) * np.where(v > 0.985, 0.8, 1.0)
        return image

    def _paint_tails(self) -> np.ndarray:
        rows, columns = 104, 224
        length = self._top.hem + 0.10
        start = _TORSO_LENGTH * 0.70
        piece = Piece(part="tails", around=0.60, along=length, shape=(rows, columns), start=start)
        image = self._cut_upper(piece)
        v = rows_along(rows)
        u = (np.arange(columns)[None, :] + 0.5) / columns - 0.5
        self._open_front(image, u, v * (length / _TORSO_LENGTH), 0.70)
        if self._top.front == "open":  # below the shirt's hem the trousers show
            low = np.broadcast_to((np.abs(u) < 0.047) & (v * length > 0.06), image.shape[:2])
            image[low, :3] = self._lower.color
        if self._top.belt:
            image[np.broadcast_to(v < 0.10, image.shape[:2])] = _without_folds(
                self._upper.color * 0.6
            )
        image *= np.where(v > 0.985, 0.75, 1.0)[:, :, None]
        return image


def _without_folds(color: np.ndarray) -> np.ndarray:
    """(4,) a texel of something that is not cloth, or lies flat."""
    return np.append(color, 0.0).astype(np.float32)


def _cut(material: Cloth, piece: Piece) -> np.ndarray:
    """Cut cloth for a sweep of length ``along``, over its rounded ends too."""
    v = rows_along(piece.shape[0])
    begin, end = (float(v[0, 0]) * piece.along, float(v[-1, 0]) * piece.along)
    return swatch(material, replace(piece, along=end - begin, start=piece.start + begin))


def _hem(v: np.ndarray, cover: float, width: float) -> np.ndarray:
    """Factor that darkens where cloth ends; a limb covered beyond its end has no hem on it."""
    return np.where((np.abs(v - min(cover, 0.985)) < width) & (cover <= 1.0), 0.78, 1.0)


def _frame(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The outline of a box from -1 to 1."""
    far = np.maximum(np.abs(x), np.abs(y))
    return (far < 1.0) & (far > 0.84)

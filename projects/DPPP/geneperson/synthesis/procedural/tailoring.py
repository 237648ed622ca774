"""Textures of one outfit: cloth cut for each body part, with collars, fronts, hems and belts.

On every part u = 0.5 is the front. What is painted around it (an open jacket, buttons, a neckline)
is therefore seen from the front and from nowhere else.
"""

from __future__ import annotations

import numpy as np

from . import palette
from .surfaces import Atlas, Texture, rows_along
from .textiles import Cloth, cloth, swatch
from .wardrobe import Bottom, Shoe, Top, leg_cover

_TORSO_LENGTH = 0.385  # neck base to crotch, body heights
HIP = 0.86  # v of the torso where tops end
_WAIST = 0.70  # v of the waistband
_INNER = ("white", "light grey", "black", "cream", "sky blue", "dark grey")


class Tailor:
    """Paints every texture of an outfit into the atlas; `textures` holds them by part."""

    def __init__(
        self, words: dict[str, str], woman: bool, skin: np.ndarray, top: Top, bottom: Bottom,
        shoe: Shoe, stream: np.random.Generator, atlas: Atlas, grain: float,
    ):  # fmt: skip
        self._skin, self._top, self._bottom, self._shoe = np.float32(skin), top, bottom, shoe
        upper_color = palette.fabric(words["upper_color"])
        lower_color = palette.fabric(words["lower_color"])
        if bottom.denim:  # indigo fades to grey
            lower_color = 0.78 * lower_color + 0.22 * lower_color.mean()
        self._shoe_color = palette.fabric(words["footwear_color"])
        folds = 0.5 if top.quilted else 1.0
        self._upper = cloth(upper_color, words["upper_pattern"], stream, grain, folds)
        self._lower = cloth(lower_color, words["lower_pattern"], stream, grain, 0.9)
        inner = [palette.fabric(name) for name in _INNER]
        # The shirt under an open jacket is one of the colours that differ from the jacket.
        inner = [c for c in inner if float(np.abs(c - upper_color).sum()) > 120.0]
        self._inner = inner[stream.integers(len(inner))]
        self.tucked = bottom.kind == "skirt" and top.hem == 0.0 and top.bulk < 0.006
        cover = leg_cover(top, bottom)
        painted = {
            "skin": np.broadcast_to(self._skin, (1, 1, 3)),
            "torso": self._paint_torso(),
            "upper_arm": self._paint_arm("upper_arm", 0.21, 0.168, top.sleeve * 2.0),
            "forearm": self._paint_arm("forearm", 0.16, 0.142, top.sleeve * 2.0 - 1.0),
            "thigh": self._paint_leg(
                "thigh",
                0.36,
                0.238 * (1.0 - min(cover.start, 0.95)),
                cover.thigh,
                0.238 * cover.start,
            ),
            "shank": self._paint_leg("shank", 0.26, 0.236, cover.shank, 0.238),
            "collar": self._paint_collar(),
            "hood": self._upper_swatch("hood", 0.30, 0.10, (24, 64)) * 0.94,
            "skirt": self._paint_skirt(),
            "tails": self._paint_tails(),
            **self._paint_shoes(),
        }
        self.textures: dict[str, Texture] = {
            part: atlas.add(image) for part, image in painted.items()
        }

    def _upper_swatch(
        self, part: str, around: float, along: float, shape: tuple[int, int], start: float = 0.0
    ) -> np.ndarray:
        image = _piece(self._upper, around, along, shape, part, start)
        if self._top.quilted:
            y = rows_along(shape[0]) * along + start
            seam = np.abs((y / 0.045) % 1.0 - 0.5) * 2.0
            image = image * (0.72 + 0.36 * np.sqrt(1.0 - seam**2 * 0.98))[:, :, None]
        return image

    def _paint_torso(self) -> np.ndarray:
        rows, columns = 208, 224
        top = self._top
        image = self._upper_swatch("torso", 0.56, _TORSO_LENGTH, (rows, columns))
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
        if top.hem > 0.0:  # the tails of a coat go on below
            return image
        hem = _WAIST if self.tucked else HIP
        below = _piece(self._lower, 0.56, _TORSO_LENGTH, (rows, columns), "hips", -_TORSO_LENGTH)
        image = np.where((v > hem)[:, :, None], below, image)
        image *= np.where(np.abs(v - hem) < 0.008, 0.72, 1.0)[:, :, None]
        if self.tucked:
            belt = np.abs(v - _WAIST) < 0.022
            image = np.where(belt[:, :, None], self._lower.color * 0.6, image)
        return image

    def _open_front(self, image: np.ndarray, u: np.ndarray, v: np.ndarray, start: float) -> None:
        """Buttons, zip or an opening with the shirt below, in place; `start` is added to v."""
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
            image[np.broadcast_to(dot, inside.shape) & ~inside] = 60.0 if dark else 205.0

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

    def _paint_arm(self, part: str, around: float, along: float, cover: float) -> np.ndarray:
        rows, columns = 96, 80
        start = 0.04 if part == "upper_arm" else 0.21
        image = self._upper_swatch(part, around, along, (rows, columns), start)
        v = rows_along(rows)[:, :, None]
        image *= _hem(v, cover, 0.03)
        return np.where(v < cover, image, self._skin)

    def _paint_leg(
        self, part: str, around: float, along: float, cover: float, start: float
    ) -> np.ndarray:
        rows, columns = 128, 112
        bottom = self._bottom
        v = rows_along(rows)[:, :, None]
        if bottom.kind == "skirt" or cover <= 0.0:
            return np.broadcast_to(self._skin, (rows, columns, 3))
        image = _piece(self._lower, around, along, (rows, columns), part, start)
        u = (np.arange(columns)[None, :, None] + 0.5) / columns - 0.5
        if bottom.denim:
            image += (
                16.0 * np.exp(-((u / 0.13) ** 2)) * (1.0 if self._lower.color.mean() < 190 else 0)
            )
        seam = np.abs(np.abs(u) - 0.25) < 0.008
        image = image * np.where(seam, 0.82, 1.0)
        if bottom.cargo and part == "thigh":
            pocket = _frame((np.abs(np.abs(u) - 0.25)) / 0.10, (v - 0.72) / 0.16)
            image = image * np.where(pocket, 0.72, 1.0)
        image *= _hem(v, cover, 0.022)
        if cover >= 0.99:  # the lining of a long leg, where the ankle is seen into
            return image
        return np.where(v < cover, image, self._skin)

    def _paint_collar(self) -> np.ndarray:
        image = self._upper_swatch("collar", 0.25, 0.045, (16, 64)) * 0.93
        if self._top.neckline != "high":
            u = (np.arange(64)[None, :] + 0.5) / 64 - 0.5
            image[np.abs(u) < 0.10 * (1.0 - 0.5 * rows_along(16))] = self._skin
        return image

    def _paint_skirt(self) -> np.ndarray:
        rows, columns = 120, 224
        length = self._bottom.reach * 0.474 + 0.075
        image = _piece(self._lower, 0.62, length, (rows, columns), "skirt")
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
        image = self._upper_swatch("tails", 0.60, length, (rows, columns), start)
        v = rows_along(rows)
        u = (np.arange(columns)[None, :] + 0.5) / columns - 0.5
        self._open_front(image, u, v * (length / _TORSO_LENGTH), 0.70)
        if self._top.front == "open":  # below the shirt's hem the trousers show
            low = np.broadcast_to((np.abs(u) < 0.047) & (v * length > 0.06), image.shape[:2])
            image[low] = self._lower.color
        if self._top.belt:
            image[np.broadcast_to(v < 0.10, image.shape[:2])] = self._upper.color * 0.6
        image *= np.where(v > 0.985, 0.75, 1.0)[:, :, None]
        return image

    def _paint_shoes(self) -> dict[str, np.ndarray]:
        shoe, color = self._shoe, self._shoe_color
        rows, columns = 24, 48
        u = (np.arange(columns)[None, :, None] + 0.5) / columns - 0.5
        v = (np.arange(rows)[:, None, None] + 0.5) / rows
        base = np.broadcast_to(color, (rows, columns, 3)).copy()
        sole = np.float32((232, 232, 228)) if shoe.white_sole else color * 0.45
        if shoe.white_sole and color.mean() > 200.0:
            sole = np.float32((196, 196, 194))
        if shoe.bare:
            straps = (np.abs(u) < 0.10) | (np.abs(np.abs(u) - 0.25) < 0.07)
            base = np.where(straps, color, self._skin)
        elif shoe.kind == "flat" or shoe.kind == "heel":
            instep = (v < 0.30) & (np.abs(u) > 0.16)
            base = np.where(instep, self._skin, base)
        elif shoe.kind == "sneaker":
            laces = (np.abs(u) < 0.12) & (v < 0.30) & (np.floor(v * 24) % 2 == 0)
            base = np.where(laces, np.float32((235, 235, 232)), base)
        heel = np.where(np.abs(v - 0.35) < 0.10, color, self._skin) if shoe.bare else base
        return {
            "shoe": base,
            "shoe_heel": heel if shoe.bare else np.broadcast_to(color, (2, 2, 3)),
            "sole": np.broadcast_to(sole, (1, 1, 3)),
            "shaft": np.broadcast_to(color * np.float32(0.97), (1, 1, 3)),
        }


def _piece(
    material: Cloth,
    around: float,
    along: float,
    shape: tuple[int, int],
    part: str,
    start: float = 0.0,
) -> np.ndarray:
    """Cloth for a sweep of length `along`, over its rounded ends too."""
    v = rows_along(shape[0])
    begin, end = (float(v[0, 0]) * along, float(v[-1, 0]) * along)
    return swatch(material, around, end - begin, shape, part, start + begin)


def _hem(v: np.ndarray, cover: float, width: float) -> np.ndarray:
    """Factor that darkens where cloth ends; a limb covered beyond its end has no hem on it."""
    return np.where((np.abs(v - min(cover, 0.985)) < width) & (cover <= 1.0), 0.78, 1.0)


def _frame(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The outline of a box from -1 to 1."""
    far = np.maximum(np.abs(x), np.abs(y))
    return (far < 1.0) & (far > 0.84)

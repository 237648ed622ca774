"""From color words to RGB: clothes, skin and hair, for any words of a vocabulary."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import ImageColor

from ...worlds.color import LUMA, luma

# Fabric colors as they photograph: less pure than the screen colors of the same name.
_FABRIC = {
    "black": (34, 34, 38), "white": (236, 236, 234), "grey": (128, 128, 130),
    "gray": (128, 128, 130), "charcoal": (62, 64, 68), "silver": (186, 188, 192),
    "red": (200, 32, 40), "crimson": (170, 24, 48), "scarlet": (214, 40, 36),
    "burgundy": (108, 22, 44), "maroon": (104, 24, 36), "wine": (104, 24, 48),
    "pink": (240, 148, 178), "rose": (220, 110, 130), "magenta": (200, 40, 140),
    "fuchsia": (214, 44, 150), "coral": (244, 118, 96), "salmon": (240, 146, 126),
    "peach": (248, 190, 156), "orange": (240, 124, 28), "rust": (166, 74, 34),
    "mustard": (206, 156, 34), "gold": (204, 162, 54), "yellow": (246, 214, 44),
    "cream": (240, 230, 204), "ivory": (240, 236, 220), "beige": (212, 192, 158),
    "khaki": (168, 150, 108), "tan": (190, 152, 110), "camel": (184, 138, 86),
    "brown": (110, 70, 42), "chocolate": (78, 48, 32), "lime": (150, 212, 46),
    "mint": (160, 220, 190), "olive": (104, 108, 50), "green": (36, 140, 66),
    "emerald": (20, 130, 90), "teal": (14, 116, 120), "turquoise": (52, 196, 194),
    "cyan": (60, 196, 214), "sky": (122, 188, 236), "blue": (42, 84, 172), "royal": (44, 70, 190),
    "navy": (28, 38, 84), "denim": (66, 94, 140), "indigo": (58, 56, 130),
    "lavender": (186, 168, 222), "lilac": (196, 170, 214), "violet": (130, 80, 180),
    "purple": (112, 46, 142), "plum": (110, 48, 94),
}  # fmt: skip
_SKIN = {
    "porcelain": (246, 220, 204), "ivory": (242, 214, 194), "pale": (244, 216, 198),
    "fair": (238, 202, 178), "light": (230, 190, 160), "rosy": (236, 188, 170),
    "beige": (222, 178, 142), "medium": (204, 156, 120), "warm": (216, 168, 130),
    "olive": (190, 150, 108), "honey": (204, 150, 100), "tan": (196, 144, 100),
    "golden": (178, 122, 76), "caramel": (172, 116, 72), "bronze": (156, 104, 64),
    "brown": (132, 86, 56), "dark": (96, 62, 42), "deep": (78, 50, 36), "ebony": (62, 40, 30),
    "black": (70, 46, 34),
}  # fmt: skip
_HAIR = {
    "black": (30, 26, 26), "brown": (84, 56, 38), "chestnut": (104, 62, 40),
    "auburn": (122, 52, 32), "ginger": (190, 96, 40), "red": (160, 60, 34),
    "blonde": (212, 174, 108), "blond": (212, 174, 108), "platinum": (232, 218, 182),
    "grey": (140, 140, 142), "gray": (140, 140, 142), "silver": (204, 204, 208),
    "white": (228, 228, 226),
}  # fmt: skip
# Words that change a color: factor on the brightness and share of white mixed in.
_MODIFIERS = {
    "dark": (0.58, 0.0), "deep": (0.68, 0.0), "light": (1.0, 0.42), "pale": (1.0, 0.55),
    "soft": (1.0, 0.25), "pastel": (1.0, 0.5), "bright": (1.12, 0.0),
}  # fmt: skip


def fabric(words: str) -> np.ndarray:
    """(3,) float32 RGB 0..255 of cloth or leather, such as "light grey" or "mustard yellow"."""
    return _lookup(words, _FABRIC, modify=True)


def named(words: str) -> np.ndarray | None:
    """(3,) float32 RGB of the color in a phrase such as "a black bag"; None if it names none."""
    return fabric(words) if any(word in _FABRIC for word in _split(words)) else None


def skin(words: str) -> np.ndarray:
    """(3,) float32 RGB of skin; where words differ ("warm beige") their mean is taken."""
    known = [_SKIN[word] for word in _split(words) if word in _SKIN]
    if not known:
        return _lookup(words, _SKIN, modify=False)
    return np.array(known, np.float32).mean(axis=0)


def hair(words: str) -> np.ndarray:
    """(3,) float32 RGB of hair, such as "dark brown" or "platinum blonde"."""
    if "light" in _split(words) and "brown" in _split(words):
        return _rgb((138, 100, 68))
    if "dark" in _split(words) or "light" in _split(words):
        return _lookup(words, _HAIR, modify=True)
    # The more specific word comes first: "chestnut brown", "silver white".
    known = [_HAIR[word] for word in _split(words) if word in _HAIR]
    return _rgb(known[0]) if known else _lookup(words, _HAIR, modify=True)


def contrasting(color: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a second color for patterns that stands out from the first, (3,) float32."""
    partners = [_FABRIC[name] for name in ("white", "black", "cream", "navy", "grey", "red", "sky")]
    brightness = float(luma(color))
    distances = [float(np.abs(color - _rgb(partner)).sum()) for partner in partners]
    good = [
        partner
        for partner, distance in zip(partners, distances, strict=True)
        if distance > 170.0 and abs(np.dot(partner, LUMA) - brightness) > 50.0
    ]
    return _rgb(good[rng.integers(len(good))])


def _lookup(words: str, table: dict[str, tuple[int, int, int]], *, modify: bool) -> np.ndarray:
    parts = _split(words)
    known = [table[word] for word in parts if word in table]
    if known:
        color = _rgb(known[-1])  # "mustard yellow": the color word comes last ...
        if len(known) > 1:  # ... and the word before it tints it
            color = 0.3 * color + 0.7 * _rgb(known[0])
    else:
        color = _named_or_hashed(words, parts)
    if modify:
        for word in parts:
            if word in _MODIFIERS:
                factor, white = _MODIFIERS[word]
                color = color * factor * (1.0 - white) + 255.0 * white
    return np.clip(color, 0.0, 255.0).astype(np.float32)


def _named_or_hashed(words: str, parts: list[str]) -> np.ndarray:
    for name in ("".join(parts), *reversed(parts)):
        if name in ImageColor.colormap:
            return _rgb(ImageColor.getrgb(name)[:3])
    # An unknown word still gets a color, always the same.
    code = zlib.crc32(words.encode())
    rgb = colorsys.hsv_to_rgb((code % 360) / 360.0, 0.55, 0.45 + 0.4 * ((code >> 12) % 100) / 100.0)
    return _rgb(rgb) * 255.0


def _rgb(values: Sequence[float]) -> np.ndarray:
    return np.array(values, np.float32)


def _split(words: str) -> list[str]:
    return words.lower().replace("-", " ").replace(",", " ").split()

"""Textures of shoes."""

from __future__ import annotations

import numpy as np

from .wardrobe import Shoe

_WHITE_SOLE = np.array((232, 232, 228), np.float32)
_GREY_SOLE = np.array((196, 196, 194), np.float32)  # of a white shoe, to contrast with it
_LACES = np.array((235, 235, 232), np.float32)


def paint_shoes(shoe: Shoe, color: np.ndarray, skin: np.ndarray) -> dict[str, np.ndarray]:
    """Paint a shoe's body, heel, sole and shaft.

    Args:
        shoe: the footwear.
        color: of the shoe, (3,) float32 RGB 0..255.
        skin: of the foot in it, (3,) float32.

    Returns:
        Part of the outfit -> (rows, columns, 3) RGB 0..255.
    """
    rows, columns = 24, 48
    u = (np.arange(columns)[None, :, None] + 0.5) / columns - 0.5
    v = (np.arange(rows)[:, None, None] + 0.5) / rows
    base = np.broadcast_to(color, (rows, columns, 3)).copy()
    sole: np.ndarray = color * 0.45
    if shoe.white_sole:
        sole = _GREY_SOLE if color.mean() > 200.0 else _WHITE_SOLE
    if shoe.bare:
        straps = (np.abs(u) < 0.10) | (np.abs(np.abs(u) - 0.25) < 0.07)
        base = np.where(straps, color, skin)
    elif shoe.kind == "flat" or shoe.kind == "heel":
        instep = (v < 0.30) & (np.abs(u) > 0.16)
        base = np.where(instep, skin, base)
    elif shoe.kind == "sneaker":
        laces = (np.abs(u) < 0.12) & (v < 0.30) & (np.floor(v * 24) % 2 == 0)
        base = np.where(laces, _LACES, base)
    heel = np.where(np.abs(v - 0.35) < 0.10, color, skin) if shoe.bare else base
    return {
        "shoe": base,
        "shoe_heel": heel if shoe.bare else np.broadcast_to(color, (2, 2, 3)),
        "sole": np.broadcast_to(sole, (1, 1, 3)),
        "shaft": np.broadcast_to(color * np.float32(0.97), (1, 1, 3)),
    }

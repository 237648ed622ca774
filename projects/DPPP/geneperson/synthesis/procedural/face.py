"""Pictures on the head: the face with the hairline, and the strands of the hair."""

from __future__ import annotations

import numpy as np

from .accessories import accessories
from .person import Person
from .wardrobe import Hair

_ROWS, _COLUMNS = 72, 128
_BLUSH = np.array((10.0, -8.0, -8.0), np.float32)
_IRIS = np.array((44.0, 32.0, 28.0), np.float32)
_FRAME = np.array((34.0, 30.0, 30.0), np.float32)
_LIPSTICK = np.array((176, 54, 66), np.float32)


def paint_strands(style: Hair, color: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(rows, columns, 3): fine streaks along the hair, blobs for curls."""
    if style.texture in ("curly", "afro"):
        light = rng.normal(0.0, 0.16, (_ROWS, _COLUMNS))
    else:
        streaks = rng.normal(0.0, 0.10, (1, _COLUMNS))
        light = streaks + rng.normal(0.0, 0.04, (_ROWS, _COLUMNS))
    sheen = 0.14 * np.exp(-(((np.linspace(0.0, 1.0, _ROWS) - 0.28) / 0.12) ** 2))
    light = 1.0 + light + sheen[:, None]
    return color * light[:, :, None] + 5.0 * light[:, :, None]


def paint_face(person: Person, style: Hair, color: np.ndarray) -> np.ndarray:
    """(rows, columns, 3): face at u = 0.5, hair of a color where it grows from the scalp.

    Args:
        person: whose face it is.
        style: of the hair.
        color: of the hair, (3,) RGB 0..255.
    """
    v = (np.arange(_ROWS)[:, None] + 0.5) / _ROWS  # from the crown to the chin by height
    u = (np.arange(_COLUMNS)[None, :] + 0.5) / _COLUMNS - 0.5  # from the middle of the face
    face = _paint_features(person, color, u, v)
    if style.length != "bald":
        scalp = np.broadcast_to(v < _hairline(style, u), (_ROWS, _COLUMNS))
        thin = 0.55 if style.length == "buzz" else 1.0
        streaks = person.rng.normal(0.0, 0.08, (_ROWS, _COLUMNS, 1))
        hair = color * (1.0 + streaks) * thin + person.skin * (1.0 - thin) * 0.8
        face = np.where(scalp[:, :, None], hair, face)
    if not person.woman and person.rng.uniform() < 0.35:
        beard = (v > 0.66) & (np.abs(u) < 0.20) & ~_mouth(u, v)
        face = np.where(beard[:, :, None], 0.55 * face + 0.45 * color, face)
    glasses = accessories(person.words).glasses
    if glasses:
        _add_glasses(face, u, v, dark=glasses == "dark")
    return face


def _paint_features(person: Person, color: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(rows, columns, 3) float32: skin with cheeks, eyes, brows and mouth."""
    skin, eye_u = person.skin, np.abs(u) - 0.066
    face = np.broadcast_to(skin, (_ROWS, _COLUMNS, 3)).copy()
    blush = np.exp(-(((np.abs(u) - 0.085) / 0.04) ** 2) - ((v - 0.60) / 0.07) ** 2)
    face += blush[:, :, None] * _BLUSH
    socket = np.exp(-((eye_u / 0.035) ** 2) - ((v - 0.455) / 0.035) ** 2)
    face *= (1.0 - 0.22 * socket)[:, :, None]
    face[_ellipse(eye_u, v - 0.395, 0.036, 0.013)] = 0.75 * np.minimum(color, 150.0) + 0.25 * skin
    face[_ellipse(eye_u, v - 0.465, 0.028, 0.019)] = np.minimum(skin * 0.3 + 165.0, 240.0)
    face[_ellipse(eye_u, v - 0.465, 0.015, 0.021)] = _IRIS
    lips = 0.5 * skin + 0.5 * _LIPSTICK if person.woman else skin * (0.80, 0.58, 0.58)
    face[_mouth(u, v)] = lips
    return face


def _add_glasses(face: np.ndarray, u: np.ndarray, v: np.ndarray, *, dark: bool) -> None:
    """Paint lenses around the eyes, a bridge, and temples that run back to the ears."""
    eye_u = np.abs(u) - 0.066
    rim, lens = _ellipse(eye_u, v - 0.465, 0.050, 0.052), _ellipse(eye_u, v - 0.465, 0.036, 0.034)
    bridge = (np.abs(v - 0.45) < 0.010) & (np.abs(u) < 0.03)
    temple = (np.abs(v - 0.455) < 0.013) & (np.abs(u) > 0.11) & (np.abs(u) < 0.27)
    face[(rim if dark else rim & ~lens) | bridge | temple] = _FRAME


def _hairline(style: Hair, u: np.ndarray) -> np.ndarray:
    """(1, columns) v of the hairline: high over the brow, it falls to the nape behind the ears."""
    behind = np.clip((np.abs(u) - 0.17) / 0.10, 0.0, 1.0)
    line = (0.30 if style.bangs else 0.20) + 0.42 * behind
    if style.bangs:
        line = np.where(np.abs(u) < 0.17, 0.365 + 0.012 * np.sin(u * 150.0), line)
    return line


def _mouth(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _ellipse(u, v - 0.725, 0.046, 0.018)


def _ellipse(u: np.ndarray, v: np.ndarray, half_u: float, half_v: float) -> np.ndarray:
    return (u / half_u) ** 2 + (v / half_v) ** 2 < 1.0

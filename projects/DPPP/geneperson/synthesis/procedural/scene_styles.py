"""Palettes and layouts of the scenes: each of the fixed camera worlds has its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RGB = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class SceneStyle:
    """What the scenes of a world look like.

    Attributes:
        horizon: (lowest, highest) y of the horizon, as shares of the picture's height; below 0 for
            a camera that looks down.
        saturation: of all colors, 1 = as they are written in the scenes.
        tint: what is added to R, G and B.
        leaves: colors of trees.
        road: what is painted on streets: a dashed "line", a "zebra" crossing, or parking "bays".
    """

    horizon: tuple[float, float]
    saturation: float
    tint: RGB
    leaves: tuple[RGB, RGB, RGB]
    road: str


SCENE_STYLES: Mapping[str, SceneStyle] = {
    "source": SceneStyle(
        horizon=(0.17, 0.36),
        saturation=1.0,
        tint=(0, 0, 0),
        leaves=((62, 104, 44), (84, 124, 52), (48, 88, 48)),
        road="line",
    ),
    "shifted": SceneStyle(  # autumn, greyer and cooler
        horizon=(-0.10, 0.12),
        saturation=0.6,
        tint=(-6, 2, 6),
        leaves=((120, 110, 52), (92, 100, 60), (140, 92, 50)),
        road="zebra",
    ),
    "unseen": SceneStyle(  # a dry summer, from a low camera
        horizon=(0.42, 0.56),
        saturation=0.8,
        tint=(22, 8, -16),
        leaves=((132, 140, 96), (150, 146, 110), (112, 128, 92)),
        road="bays",
    ),
}

"""The embedded default: people and scenes drawn by formula, without weights and without a GPU.

An honest toy of the diffusion route: it draws the same prompt's person on the same canvas with the
same skeletons, and knows its own exact coverage, so that no matting is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ... import seeding
from ...posing.canvas import Grid
from ...posing.skeletons import Pose
from ...worlds.lighting import NEUTRAL, get_lighting, relight
from ...worlds.world import World
from ..base import Characters
from .figure import Figure
from .scenery import paint_scene

if TYPE_CHECKING:
    from ...prompting.prompts import Identity

_BACKDROP = np.array((196, 198, 202), np.uint8)  # "simple background"


class ProceduralSynthesizer:
    """Draws people on a grid and the scenes behind them.

    Args:
        grid: the canvas.
        poses: one skeleton per cell, with depth.
        world: the camera world.
        seed: of the scenes; people bring their own.
    """

    def __init__(self, *, grid: Grid, poses: Sequence[Pose], world: World, seed: int) -> None:
        self.grid = grid
        self._world = world
        self._seed = seed
        self._poses = poses

    def characters(self, identities: Sequence[Identity]) -> list[Characters]:
        """Draw one canvas per identity; see :class:`~geneperson.synthesis.base.Synthesizer`."""
        return [self._character(identity) for identity in identities]

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Draw a picture of a scene, (h, w, 3) uint8, larger than a cell, for random crops."""
        rng = seeding.rng(self._seed, "scene", self._world.name, scene, lighting, index)
        height, width = round(self.grid.cell_height * 1.125), round(self.grid.cell_width * 2.5)
        return paint_scene(
            scene, get_lighting(lighting), self._world.scene_style, (height, width), rng
        )

    def _character(self, identity: Identity) -> Characters:
        figure = Figure(identity, self._world)
        image = np.empty((*self.grid.size, 3), np.uint8)
        image[:] = _BACKDROP
        alpha = np.zeros(self.grid.size, np.uint8)
        for cell in range(len(self._poses)) if identity.cells is None else identity.cells:
            top, left, bottom, right = self.grid.box(cell)
            drawn = image[top:bottom, left:right], alpha[top:bottom, left:right]
            figure.draw(
                self._poses[cell],
                *drawn,
                seeding.rng(identity.seed, "folds", identity.lighting, cell),
            )
            if identity.lighting != NEUTRAL:
                self._light(*drawn, identity)
        return Characters(image=image, alpha=alpha)

    @staticmethod
    def _light(cell: np.ndarray, alpha: np.ndarray, identity: Identity) -> None:
        """Draw a cell under the lighting of the prompt, in place."""
        cell[:] = relight(cell, get_lighting(identity.lighting), alpha)

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
from ...posing.cells import cell_poses
from ...posing.files import require_depth
from ...posing.skeletons import Pose
from ...worlds.catalogue import get_world
from ...worlds.lighting import get_lighting
from ...worlds.world import World
from ..base import Characters
from .figure import Figure
from .scenery import paint_scene

if TYPE_CHECKING:
    from yacs.config import CfgNode

    from ...prompting.prompts import Identity

_BACKDROP = (196, 198, 202)  # "simple background"


class ProceduralSynthesizer:
    """Draws people on a grid and scenes behind them.

    Args:
        grid: the canvas.
        poses: one skeleton a cell, with depth.
        world: the camera world.
        seed: of the scenes; people bring their own.
    """

    batch_size = 1

    def __init__(self, grid: Grid, poses: Sequence[Pose], world: World, seed: int):
        self.grid = grid
        self._world = world
        self._seed = seed
        self._poses = poses

    @classmethod
    def from_config(cls, cfg: CfgNode) -> ProceduralSynthesizer:
        poses = cell_poses(cfg)
        require_depth(poses, cfg.POSES.FILE)
        return cls(Grid.from_config(cfg), poses, get_world(cfg.WORLD), cfg.SEED)

    def models(self) -> dict[str, dict[str, str]]:
        """No model at all: people and scenes are drawn by formula."""
        return {}

    def characters(self, identities: Sequence[Identity]) -> list[Characters]:
        """One canvas an identity; see :class:`~geneperson.synthesis.base.Synthesizer`."""
        return [self._character(identity) for identity in identities]

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """(h, w, 3) uint8, an eighth higher and a quarter wider than a cell, for random crops."""
        stream = seeding.rng(self._seed, "scene", self._world.name, scene, lighting, index)
        height, width = round(self.grid.cell_height * 1.125), round(self.grid.cell_width * 2.5)
        return paint_scene(
            scene, get_lighting(lighting), self._world.scene_style, (height, width), stream
        )

    def _character(self, identity: Identity) -> Characters:
        figure = Figure(identity, self._world)
        image = np.empty((*self.grid.size, 3), np.uint8)
        alpha = np.empty(self.grid.size, np.uint8)
        height, width = self.grid.cell_height, self.grid.cell_width
        for cell, pose in enumerate(self._poses):
            top, left, bottom, right = self.grid.box(cell)
            color, coverage = figure.draw(pose, height, width)
            color = color + np.float32(_BACKDROP) * (1.0 - coverage)[:, :, None]
            image[top:bottom, left:right] = np.clip(color + 0.5, 0.0, 255.0)
            alpha[top:bottom, left:right] = coverage * 255.0 + 0.5
        return Characters(image, alpha)

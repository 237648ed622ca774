"""One candidate from canvas to JPEG bytes: crop, cut out, filter, place in scenes, encode.

All randomness comes from the candidate's number and the seed, so a candidate's bytes do not depend
on who draws it, when, or what was drawn before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from yacs.config import CfgNode

from .. import seeding
from ..compositing import fusion, quality
from ..compositing.matting import Matting
from ..dataset import layout
from ..posing.canvas import Grid
from ..posing.cells import cell_poses
from ..prompting.prompts import Identity
from ..synthesis import Characters, Synthesizer, build_synthesizer
from ..worlds import scenes
from ..worlds.catalogue import get_world
from ..worlds.lighting import LIGHTINGS
from .stored_scenes import StoredScenes

TOO_FEW_CELLS = "too few good cells"


@dataclass(frozen=True)
class Drawn:
    """One finished image: where it belongs (indices from 0) and its JPEG bytes."""

    cell: int
    view: str
    scene: int
    lighting: int
    mask_area: float
    jpeg: bytes


@dataclass(frozen=True)
class Candidate:
    """What became of one prompt.

    Attributes:
        index: the prompt's number in the stream.
        images: finished images in cell order; empty if the candidate was rejected.
        rejected: cell -> why its picture is not used.
        samples: cell -> JPEG of a rejected cell as drawn, one for each reason.
    """

    index: int
    images: list[Drawn] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)
    samples: dict[int, bytes] = field(default_factory=dict)


class CandidateMaker:
    """Everything needed to make candidates, built once in each process.

    Args:
        cfg: settings.
        scenes_dir: folder of background pictures that were drawn beforehand; then the canvases are
            drawn elsewhere, too, and no synthesizer is needed here.
        synthesizer: one that is loaded already; None loads the one of the settings if needed.
    """

    def __init__(
        self,
        cfg: CfgNode,
        scenes_dir: Path | None = None,
        synthesizer: Synthesizer | None = None,
    ) -> None:
        self._cfg = cfg
        self._grid = Grid.from_config(cfg)
        self._world = get_world(cfg.WORLD)
        self._poses = cell_poses(cfg)
        if synthesizer is None and scenes_dir is None:
            synthesizer = build_synthesizer(cfg)
        self._synthesizer = synthesizer
        painter = synthesizer if scenes_dir is None else StoredScenes(scenes_dir)
        self._pool = scenes.ScenePool(painter, cfg.SCENES.POOL_SIZE)
        self._matting: Matting | None = None

    def make(self, identity: Identity, characters: Characters | None = None) -> Candidate:
        """Make one candidate and judge it.

        Args:
            characters: the identity's canvas; None draws it now.
        """
        if characters is None:
            characters = self._synthesizer.characters([identity])[0]
        people = self._grid.crop(characters.image)
        alphas = self._cut_out(people, characters.alpha)
        rejected = self._judge(alphas)
        kept = [cell for cell in range(self._grid.num_cells) if cell not in rejected]
        if len(kept) < self._cfg.QUALITY.MIN_CELLS:
            rejected |= dict.fromkeys(kept, TOO_FEW_CELLS)
            kept = []
        places = scenes.assign_scenes(
            len(kept), seeding.rng(self._cfg.SEED, "scenes", identity.index)
        )
        images = [
            self._finish(identity.index, cell, people[cell], alphas[cell], *place)
            for cell, place in zip(kept, places, strict=True)
        ]
        first_of = {reason: cell for cell, reason in reversed(rejected.items())}
        samples = {cell: self._encode(people[cell]) for cell in first_of.values()}
        return Candidate(identity.index, images, rejected, samples)

    def _cut_out(self, people: list[np.ndarray], alpha: np.ndarray | None) -> list[np.ndarray]:
        """Give each cell's alpha: the synthesizer's own, or what the matting finds."""
        if alpha is not None:
            return self._grid.crop(alpha)
        if self._matting is None:
            self._matting = Matting.from_config(self._cfg)
        return self._matting.alphas(people)

    def _judge(self, alphas: list[np.ndarray]) -> dict[int, str]:
        """Find the cells that cannot be used, with the reason."""
        limits = quality.QualityLimits.from_config(self._cfg)
        rejected = {}
        for cell, alpha in enumerate(alphas):
            reason = quality.check(alpha, limits) or quality.check_pose(
                alpha, self._poses[cell], limits
            )
            if reason is not None:
                rejected[cell] = reason
        return rejected

    def _finish(
        self,
        index: int,
        cell: int,
        person: np.ndarray,
        alpha: np.ndarray,
        scene: int,
        lighting: int,
    ) -> Drawn:
        """Fuse one cell with a scene, look at it through the scene's camera, and encode it."""
        stream = seeding.rng(self._cfg.SEED, "image", index, cell)
        scene_name, light = layout.SCENE_NAMES[scene], LIGHTINGS[lighting]
        background = self._pool.crop(scene_name, light.name, alpha.shape, stream)
        image = fusion.fuse(person, alpha, background, light, stream, self._world)
        if self._cfg.CAMERA.EFFECTS:
            image = self._world.cameras[scene_name].apply(image, stream)
        area = round(quality.mask_area(alpha), 4)
        return Drawn(cell, self._poses[cell].view, scene, lighting, area, self._encode(image))

    def _encode(self, image: np.ndarray) -> bytes:
        _, jpeg = cv2.imencode(
            ".jpg",
            cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
            [cv2.IMWRITE_JPEG_QUALITY, self._cfg.JPEG_QUALITY],
        )
        return jpeg.tobytes()

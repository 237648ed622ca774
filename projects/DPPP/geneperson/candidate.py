"""One candidate from prompt to JPEG bytes: draw, crop, filter, place in scenes, record, encode.

All randomness comes from the candidate's number and the seed, so a candidate's bytes do not depend
on who draws it, when, or what was drawn before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from yacs.config import CfgNode

from . import fusion, layout, poses, quality, scenes, seeding
from .canvas import Grid
from .domains import get_domain
from .errors import UserError
from .lighting import LIGHTINGS
from .prompts import Identity
from .synthesis import build_synthesizer

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
    """

    index: int
    images: list[Drawn] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)


class CandidateMaker:
    """Everything needed to draw candidates, built once in each process."""

    def __init__(self, cfg: CfgNode) -> None:
        self._cfg = cfg
        height, width = cfg.CANVAS.CELL_SIZE
        self._grid = Grid(cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS, height, width)
        self._domain = get_domain(cfg.DOMAIN)
        self._views = [
            pose.view
            for pose in poses.walking_poses(
                self._grid.num_cells, self._domain.pitch_deg, width / height
            )
        ]
        self._synthesizer = build_synthesizer(cfg)
        self._pool = scenes.ScenePool(self._synthesizer, cfg.SCENES.POOL_SIZE)

    def make(self, identity: Identity) -> Candidate:
        """Draw one candidate and judge it."""
        characters = self._synthesizer.characters([identity])[0]
        if characters.alpha is None:
            raise UserError(
                f"SYNTHESIS.NAME {self._cfg.SYNTHESIS.NAME!r} gives no alpha, and matting is not "
                "available; use 'procedural'"
            )
        people = self._grid.crop(characters.image)
        alphas = self._grid.crop(characters.alpha)
        rejected = self._judge(alphas)
        kept = [cell for cell in range(self._grid.num_cells) if cell not in rejected]
        if len(kept) < self._cfg.QUALITY.MIN_CELLS:
            return Candidate(identity.index, [], rejected | dict.fromkeys(kept, TOO_FEW_CELLS))
        places = scenes.assign_scenes(
            len(kept), seeding.rng(self._cfg.SEED, "scenes", identity.index)
        )
        images = [
            self._finish(identity.index, cell, people[cell], alphas[cell], *place)
            for cell, place in zip(kept, places, strict=True)
        ]
        return Candidate(identity.index, images, rejected)

    def _judge(self, alphas: list[np.ndarray]) -> dict[int, str]:
        """Find the cells that cannot be used, with the reason."""
        limits = self._cfg.QUALITY
        rejected = {}
        for cell, alpha in enumerate(alphas):
            reason = quality.check(alpha, limits.MIN_AREA, limits.MAX_AREA, limits.MIN_HEIGHT)
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
        image = fusion.fuse(person, alpha, background, light, stream, self._domain)
        if self._cfg.CAMERA.EFFECTS:
            image = self._domain.cameras[scene_name].apply(image, stream)
        _, jpeg = cv2.imencode(
            ".jpg",
            cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
            [cv2.IMWRITE_JPEG_QUALITY, self._cfg.JPEG_QUALITY],
        )
        area = round(quality.mask_area(alpha), 4)
        return Drawn(cell, self._views[cell], scene, lighting, area, jpeg.tobytes())

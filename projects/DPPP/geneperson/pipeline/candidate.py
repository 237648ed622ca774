"""One candidate from canvas to JPEG bytes: crop, cut out, filter, place in scenes, encode.

All randomness comes from the candidate's number and the seed, so a candidate's bytes do not depend
on who draws it, when, or what was drawn before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from .. import seeding
from ..compositing import fusion, quality
from ..compositing.gate import Gate
from ..compositing.matting import Matting
from ..compositing.signatures import Appearance
from ..dataset import layout
from ..prompting.prompts import Identity
from ..synthesis import Characters, Synthesizer
from ..worlds import scenes
from ..worlds.lighting import LIGHTINGS
from .spec import BuildSpec
from .stored_scenes import StoredScenes

TOO_FEW_CELLS = "too few good cells"


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One finished image: where it belongs (indices from 0) and its JPEG bytes."""

    cell: int
    view: str
    scene: int
    lighting: int
    mask_area: float
    jpeg: bytes


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What became of one prompt.

    Attributes:
        index: the prompt's number in the stream of identities.
        images: finished images in cell order; empty if the candidate was rejected.
        rejected: cell -> why its picture is not used.
        samples: cell -> JPEG of a rejected cell as drawn, one for each reason.
        appearance: what the good cells show; None if no rule asks.
    """

    index: int
    images: list[Drawn] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)
    samples: dict[int, bytes] = field(default_factory=dict)
    appearance: Appearance | None = None


class CandidateMaker:
    """Everything needed to make candidates, built once in each process.

    Args:
        spec: the build.
        scenes_dir: folder of background pictures that were drawn beforehand; the canvases are then
            drawn elsewhere too, and this process needs no synthesizer.
        synthesizer: one that is already loaded; None loads that of the build if it is needed.
    """

    def __init__(
        self,
        spec: BuildSpec,
        *,
        scenes_dir: Path | None = None,
        synthesizer: Synthesizer | None = None,
    ) -> None:
        self._spec = spec
        self._synthesizer = synthesizer
        painter: scenes.Painter
        if scenes_dir is not None:
            painter = StoredScenes(scenes_dir)
        else:
            painter = self._synthesizer = synthesizer or spec.build_synthesizer()
        self._pool = scenes.ScenePool(painter, spec.pool_size)
        self._matting: Matting | None = None
        self._gate = Gate(spec.limits, spec.picture, spec.poses)

    def make(self, identity: Identity, characters: Characters | None = None) -> Candidate:
        """Make one candidate and judge it.

        Args:
            identity: who to draw.
            characters: the identity's canvas; None draws it now.
        """
        spec = self._spec
        if characters is None:
            characters = self._draw(identity)
        people = spec.grid.crop(characters.image)
        alphas = self._cut_out(people, characters.alpha)
        verdict = self._gate.judge(people, alphas)
        rejected = dict(verdict.rejected)
        kept = [cell for cell in range(spec.grid.num_cells) if cell not in rejected]
        if len(kept) < spec.limits.min_cells:
            rejected |= dict.fromkeys(kept, TOO_FEW_CELLS)
            kept = []
        rng = seeding.rng(spec.seed, "scenes", identity.index)
        places = scenes.assign_scenes(len(kept), rng)
        images = []
        for cell, place in zip(kept, places, strict=True):
            rng = seeding.rng(spec.seed, "image", identity.index, cell)
            image = self._finish(people[cell], alphas[cell], place, rng)
            images.append(self._record(cell, alphas[cell], place, image))
        first_of = {reason: cell for cell, reason in reversed(rejected.items())}
        return Candidate(
            index=identity.index,
            images=images,
            rejected=rejected,
            samples={cell: self._encode(people[cell]) for cell in first_of.values()},
            appearance=verdict.appearance if images else None,
        )

    def _draw(self, identity: Identity) -> Characters:
        if self._synthesizer is None:
            raise ValueError("backgrounds that were drawn beforehand need canvases that were too")
        return self._synthesizer.characters([identity])[0]

    def _cut_out(self, people: list[np.ndarray], alpha: np.ndarray | None) -> list[np.ndarray]:
        """Return each cell's alpha: the synthesizer's own, or what the matting finds."""
        if alpha is not None:
            return self._spec.grid.crop(alpha)
        if self._matting is None:
            if self._spec.matting is None:
                raise ValueError("a canvas without alpha, of a route that needs no matting")
            self._matting = Matting(self._spec.matting)
        return self._matting.alphas(people)

    def _finish(
        self,
        person: np.ndarray,
        alpha: np.ndarray,
        place: tuple[int, int],
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Fuse one cell with its scene and look at it through the scene's camera."""
        world = self._spec.world
        scene, lighting = layout.SCENE_NAMES[place[0]], LIGHTINGS[place[1]]
        background = self._pool.crop(scene, lighting.name, alpha.shape, rng)
        image = fusion.fuse(person, alpha, background, lighting=lighting, world=world, rng=rng)
        if self._spec.camera_effects:
            image = world.cameras[scene].apply(image, rng)
        return image

    def _record(
        self, cell: int, alpha: np.ndarray, place: tuple[int, int], image: np.ndarray
    ) -> Drawn:
        scene, lighting = place
        return Drawn(
            cell=cell,
            view=self._spec.poses[cell].view,
            scene=scene,
            lighting=lighting,
            mask_area=round(quality.mask_area(alpha), 4),
            jpeg=self._encode(image),
        )

    def _encode(self, image: np.ndarray) -> bytes:
        _, jpeg = cv2.imencode(
            ".jpg",
            cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
            [cv2.IMWRITE_JPEG_QUALITY, self._spec.jpeg_quality],
        )
        return jpeg.tobytes()

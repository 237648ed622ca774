"""One candidate from canvas to JPEG bytes, in two steps.

``judge``    crop, cut out, filter, deal a place to every good cell
``finish``   put the good cells into their places, look through the camera, encode

Between the two, a process that holds a model can paint the backgrounds that were dealt. All
randomness comes from the candidate's number and the seed, so a candidate's bytes do not depend on
who draws it, when, or what was drawn before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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
from ..worlds.lighting import LIGHTINGS, NEUTRAL
from ..worlds.scenes import Painter, PictureCache, Place
from .spec import BuildSpec

Drawing = tuple[Identity, list[Characters]]  # an identity with all its canvases

TOO_FEW_CELLS = "too few good cells"
_SAMPLE_QUALITY = 95


@dataclass(frozen=True, kw_only=True)
class GoodCell:
    """A cell that passed the filter.

    Attributes:
        cell: its number; those of a second canvas follow those of the first.
        person: (h, w, 3) uint8, as drawn.
        alpha: (h, w) uint8 coverage, 0..255.
        drawn_under: the light it was drawn in: ``NEUTRAL``, or the name of a lighting.
        place: where it will be shown.
        rng: draws everything that follows.
    """

    cell: int
    person: np.ndarray
    alpha: np.ndarray
    drawn_under: str
    place: Place
    rng: np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A candidate whose cells were cut out and filtered.

    Attributes:
        index: the prompt's number in the stream of identities.
        good: the good cells in order; empty if the candidate was rejected.
        rejected: cell -> why its picture is not used.
        samples: cell -> JPEG of a rejected cell as drawn, one for each reason.
        appearance: what the good cells of the first canvas show; None if no rule asks.
    """

    index: int
    good: list[GoodCell]
    rejected: dict[int, str]
    samples: dict[int, bytes]
    appearance: Appearance | None = None

    def without(self, cells: Mapping[int, str], min_cells: int) -> Judged:
        """Return the candidate without some of its good cells.

        Args:
            cells: cell -> why its picture is not used.
            min_cells: with fewer left, the candidate is rejected.
        """
        left = [good for good in self.good if good.cell not in cells]
        gone = [good for good in self.good if good.cell in cells]
        rejected = self.rejected | dict(cells)
        if len(left) < min_cells:
            rejected |= {good.cell: TOO_FEW_CELLS for good in left}
            left = []
        return replace(
            self,
            good=left,
            rejected=rejected,
            samples=self.samples | {good.cell: _encode(good.person) for good in gone[:1]},
            appearance=self.appearance if left else None,
        )


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One finished image: where it belongs and its JPEG bytes."""

    cell: int
    view: str
    drawn_under: str
    place: Place
    mask_area: float
    jpeg: bytes


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What became of one prompt; see :class:`Judged`."""

    index: int
    images: list[Drawn] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)
    samples: dict[int, bytes] = field(default_factory=dict)
    appearance: Appearance | None = None


class CandidateMaker:
    """Everything needed to make candidates, built once in each process.

    Args:
        spec: the build.
    """

    def __init__(self, spec: BuildSpec) -> None:
        self._spec = spec
        self._synthesizer: Synthesizer | None = None
        self._pictures = PictureCache()
        self._matting: Matting | None = None
        self._gate = Gate(spec.limits, spec.picture, spec.poses)

    def make(self, identity: Identity, painter: Painter | None = None) -> Candidate:
        """Make one candidate with a synthesizer of its own, loaded when it is first needed.

        Args:
            identity: whom to draw.
            painter: gives the backgrounds; None for the synthesizer.
        """
        if self._synthesizer is None:
            self._synthesizer = self._spec.build_synthesizer()
        chosen = zip(self._spec.drawings(identity), self._choose(identity), strict=True)
        drawings = [replace(drawing, cells=cells) for drawing, cells in chosen]
        canvases = [self._synthesizer.characters([drawing])[0] for drawing in drawings]
        return self.finish(self.judge(identity, canvases), painter or self._synthesizer)

    def judge(self, identity: Identity, canvases: Sequence[Characters]) -> Judged:
        """Cut out and filter the cells of a candidate, and deal a place to every good one.

        Args:
            identity: who was drawn.
            canvases: one for each of the identity's drawings.
        """
        spec = self._spec
        people: dict[int, np.ndarray] = {}
        alphas: dict[int, np.ndarray] = {}
        rejected: dict[int, str] = {}
        appearance = None
        # One by one: under another light, other colors are the same person.
        for copy, (canvas, cells) in enumerate(zip(canvases, self._choose(identity), strict=True)):
            cut = _pick(spec.grid.crop(canvas.image), cells)
            coverage = self._cut_out(canvas, cells)
            verdict = self._gate.judge(cut, coverage, cells)
            numbers = [copy * spec.grid.num_cells + cell for cell in cells]
            rejected |= {numbers[position]: why for position, why in verdict.rejected.items()}
            appearance = appearance or verdict.appearance
            people |= zip(numbers, cut, strict=True)
            alphas |= zip(numbers, coverage, strict=True)
        lights = [drawing.lighting for drawing in spec.drawings(identity)]
        kept = [cell for cell in people if cell not in rejected]
        if len(kept) < spec.limits.min_cells:
            rejected |= dict.fromkeys(kept, TOO_FEW_CELLS)
            kept = []
        drawn_under = [lights[cell // spec.grid.num_cells] for cell in kept]
        dealt = scenes.deal(drawn_under, seeding.rng(spec.seed, "scenes", identity.index))
        good = []
        for cell, light, (scene, lighting) in zip(kept, drawn_under, dealt, strict=True):
            rng = seeding.rng(spec.seed, "image", identity.index, cell)
            picture = int(rng.integers(spec.pool_size))
            good.append(
                GoodCell(
                    cell=cell,
                    person=people[cell],
                    alpha=alphas[cell],
                    drawn_under=light,
                    place=Place(scene=scene, lighting=lighting, picture=picture),
                    rng=rng,
                )
            )
        first_of = {reason: cell for cell, reason in reversed(rejected.items())}
        samples = {cell: _encode(people[cell]) for cell in first_of.values()}
        return Judged(
            index=identity.index,
            good=good,
            rejected=rejected,
            samples=samples,
            appearance=appearance if good else None,
        )

    def finish(self, judged: Judged, painter: Painter) -> Candidate:
        """Put the good cells of a candidate into their places.

        Args:
            judged: the candidate.
            painter: gives its backgrounds.
        """
        return Candidate(
            index=judged.index,
            images=[self._finish(good, painter) for good in judged.good],
            rejected=judged.rejected,
            samples=judged.samples,
            appearance=judged.appearance,
        )

    def _choose(self, identity: Identity) -> list[tuple[int, ...]]:
        """Return the cells that are used, for each canvas of an identity; the others are left out.

        The choice is the identity's own: it knows nothing of the pictures.
        """
        spec, size = self._spec, self._spec.grid.num_cells
        rng = seeding.rng(spec.seed, "cells", identity.index)
        chosen = spec.limits.choose(spec.num_cells, rng)
        return [
            tuple(cell % size for cell in chosen if cell // size == copy)
            for copy in range(spec.light.per_identity)
        ]

    def _cut_out(self, canvas: Characters, cells: Sequence[int]) -> list[np.ndarray]:
        """Return the alpha of some cells: the synthesizer's own, or what the matting finds."""
        if canvas.alpha is not None:
            return _pick(self._spec.grid.crop(canvas.alpha), cells)
        if self._matting is None:
            if self._spec.matting is None:
                raise ValueError("a canvas without alpha, of a route that needs no matting")
            self._matting = Matting(self._spec.matting)
        return self._matting.alphas(_pick(self._spec.grid.crop(canvas.image), cells))

    def _finish(self, good: GoodCell, painter: Painter) -> Drawn:
        """Fuse one cell with its background and look at it through the scene's camera."""
        world, size = self._spec.world, (good.alpha.shape[0], good.alpha.shape[1])
        picture = self._pictures.get(good.place, painter)
        image = fusion.fuse(
            good.person,
            good.alpha,
            scenes.crop(picture, size, good.rng),
            lighting=LIGHTINGS[good.place.lighting],
            relit=good.drawn_under == NEUTRAL,
            world=world,
            rng=good.rng,
        )
        if self._spec.camera_effects:
            camera = world.cameras[layout.SCENE_NAMES[good.place.scene]]
            image = camera.apply(image, good.rng)
        return Drawn(
            cell=good.cell,
            view=self._spec.pose(good.cell).view,
            drawn_under=good.drawn_under,
            place=good.place,
            mask_area=round(quality.mask_area(good.alpha), 4),
            jpeg=_encode(image, self._spec.jpeg_quality),
        )


def _pick(pictures: Sequence[np.ndarray], cells: Sequence[int]) -> list[np.ndarray]:
    return [pictures[cell] for cell in cells]


def _encode(image: np.ndarray, quality: int = _SAMPLE_QUALITY) -> bytes:
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return jpeg.tobytes()

"""Another set from the canvases that an earlier build kept: cut out, judged, lit and fused anew."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from yacs.config import CfgNode

from ..compositing.matting import Matting
from ..errors import UserError
from ..prompting.prompts import Identity
from ..worlds.lighting import LIGHTINGS
from ..worlds.scenes import SCENES
from .backgrounds import Backgrounds
from .build import Source, run
from .candidate import Candidate, Drawing, GoodCell, Judged
from .canvases import Canvases
from .crew import Crew, Resources, workers
from .drawer import cut_out
from .folder import REFINED_FROM
from .picture_files import read_picture
from .pools import here
from .production import Demand, batches, produce
from .spec import BuildSpec
from .staging import Staging

NO_BACKGROUND = "no background"


def refine(
    cfg: CfgNode,
    source: str | Path,
    output: str | Path,
    num_workers: int | None = 1,
    *,
    accept_code_change: bool = False,
) -> dict[str, Any]:
    """Build a set from kept canvases and backgrounds; no model that draws is loaded.

    Args:
        cfg: settings; those that decide about canvases must be the earlier build's.
        source: folder of the earlier build's data set; ``KEEP_CANVASES`` was on.
        output: folder of the new data set.
        num_workers: processes that cut out and fuse, at least 1, None for one on each core.
        accept_code_change: as for ``build``.

    Returns:
        The content of ``dataset.json``; ``refined_from`` names the earlier set.

    Raises:
        UserError: as ``build``; or there are no canvases, or too few for the new limits.
    """
    resources = Resources(workers=num_workers)
    spec, source = BuildSpec.from_config(cfg), Path(source)
    if Path(output).resolve() == source.resolve():
        raise UserError(f"{output} is the set itself; choose another --output")
    kept = Canvases.read(spec, source)
    settings = spec.settings | {REFINED_FROM: Path(os.path.abspath(source)).name}  # "." has none
    pictures = KeptPictures(spec, kept, source)
    candidates = Source(
        candidates=partial(
            _from_pictures, spec=spec, pictures=pictures, output=Path(output), resources=resources
        ),
        software=lambda: kept.software,
        used_up=f"the canvases in {kept.folder} are used up",
        advice="loosen the limits of QUALITY, ask for fewer --identities, or build more canvases",
    )
    return run(spec, Path(output), settings, candidates, accept_code_change=accept_code_change)


class KeptPictures:
    """Takes the place of a :class:`~geneperson.pipeline.drawer.Drawer`: it reads what one drew.

    Args:
        spec: the build.
        canvases: those that were kept.
        source: folder of the set; the backgrounds are beside it.
    """

    def __init__(self, spec: BuildSpec, canvases: Canvases, source: Path) -> None:
        self._spec = spec
        self._canvases = canvases
        self._number = spec.light.per_identity
        self._matting = None if spec.matting is None else Matting(spec.matting)
        backgrounds = Backgrounds.of(spec, source, canvases.models)
        self._painted = {
            (scene, lighting.name): backgrounds.painted(scene, lighting.name)
            for scene in SCENES
            for lighting in LIGHTINGS
        }

    def models(self) -> dict[str, dict[str, str]]:
        """Return the models that drew, and the one that cuts out now."""
        own = {} if self._matting is None else {"MATTING": self._matting.describe()}
        return self._canvases.models | own

    def holds(self, batch: Sequence[Identity]) -> bool:
        """Return whether the canvases of some identities were kept."""
        return all(self._canvases.holds(identity, self._number) for identity in batch)

    def draw(self, batch: Sequence[Identity]) -> list[Drawing]:
        """Read the canvases of some identities; cut out, if that is done on a GPU."""
        drawings = []
        for identity in batch:
            canvases = self._canvases.load(identity, self._number)
            if self._matting is not None and self._matting.is_on_gpu:
                canvases = cut_out(canvases, self._matting, self._spec.grid)
            drawings.append((identity, canvases))
        return drawings

    def paint(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Read a picture of a scene under a lighting, (h, w, 3) uint8."""
        return read_picture(self._painted[scene, lighting][index])

    def fit(self, candidate: Judged) -> Judged:
        """Deal painted backgrounds only; a cell whose scene and lighting have none is rejected."""
        unpainted = {
            good.cell: NO_BACKGROUND
            for good in candidate.good
            if not self._painted[good.place.background[:2]]
        }
        if unpainted:
            candidate = candidate.without(unpainted, self._spec.limits.min_cells)
        return replace(candidate, good=[self._fit_place(good) for good in candidate.good])

    def _fit_place(self, good: GoodCell) -> GoodCell:
        place, numbers = good.place, list(self._painted[good.place.background[:2]])
        if place.picture in numbers:
            return good
        number = numbers[place.picture % len(numbers)]
        return replace(good, place=replace(place, picture=number))


def _from_pictures(
    staging: Staging,
    demand: Demand,
    *,
    spec: BuildSpec,
    pictures: KeptPictures,
    output: Path,
    resources: Resources,
) -> Generator[Candidate, None, None]:
    with workers(spec, resources) as pool, here(lambda: pictures) as drawers:
        yield from produce(
            spec,
            Crew(drawers=drawers, workers=pool),
            takewhile(pictures.holds, batches(spec, staging.indices(), None)),
            output=output,
            staging=staging,
            demand=demand,
            fit=pictures.fit,
        )

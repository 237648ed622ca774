"""Another set from the canvases that an earlier build kept: cut out, judged, lit and fused anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from yacs.config import CfgNode

from ..compositing.matting import Matting
from ..errors import UserError
from ..prompting.prompts import Identity
from .backgrounds import folder_of
from .build import Source, run
from .candidate import Candidate, Drawing, Judged
from .canvases import Canvases
from .crew import Crew, Resources, workers
from .picture_files import read_picture
from .pools import here
from .production import Demand, batches, produce
from .spec import BuildSpec
from .staging import Staging

NO_BACKGROUND = "no background"


def refine(
    cfg: CfgNode, source: str | Path, output: str | Path, num_workers: int | None = 1
) -> dict[str, Any]:
    """Build a set from kept canvases and backgrounds; no model that draws is loaded.

    Args:
        cfg: settings; those that decide about canvases must be the earlier build's.
        source: folder of the earlier build's data set; ``KEEP_CANVASES`` was on.
        output: folder of the new data set.
        num_workers: processes that cut out and fuse, at least 1, None for one on each core.

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
    settings = spec.settings | {"refined_from": source.name}
    pictures = KeptPictures(spec, kept, folder_of(source))
    candidates = Source(
        candidates=partial(
            _from_pictures, spec=spec, pictures=pictures, output=Path(output), resources=resources
        ),
        used_up=f"the canvases in {kept.folder} are used up",
        advice="loosen the limits of QUALITY, ask for fewer --identities, or build more canvases",
    )
    return run(spec, Path(output), settings, candidates, accept_code_change=False)


class KeptPictures:
    """Takes the place of a :class:`~geneperson.pipeline.drawer.Drawer`: it reads what one drew.

    Args:
        spec: the build.
        canvases: those that were kept.
        backgrounds: folder of the pictures that were painted.
    """

    def __init__(self, spec: BuildSpec, canvases: Canvases, backgrounds: Path) -> None:
        self._spec = spec
        self._canvases = canvases
        self._number = spec.light.per_identity
        self._painted: dict[tuple[str, str], dict[int, Path]] = defaultdict(dict)
        for path in sorted(backgrounds.glob("[!.]*.png")):
            scene, lighting, number, _ = path.name.split("_")
            self._painted[scene, lighting][int(number)] = path

    def models(self) -> dict[str, dict[str, str]]:
        """Return the models that drew, and the one that cuts out now."""
        matting = {}
        if self._spec.matting is not None:
            matting = {"MATTING": Matting(self._spec.matting).describe()}
        return self._canvases.models | matting

    def holds(self, batch: Sequence[Identity]) -> bool:
        """Return whether the canvases of some identities were kept."""
        return all(self._canvases.holds(identity, self._number) for identity in batch)

    def draw(self, batch: Sequence[Identity]) -> list[Drawing]:
        """Read the canvases of some identities."""
        return [(identity, self._canvases.load(identity, self._number)) for identity in batch]

    def paint(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Read a picture of a scene under a lighting, if need be another one, (h, w, 3) uint8."""
        painted = self._painted[scene, lighting]
        others = list(painted.values())
        return read_picture(painted.get(index, others[index % len(others)]))

    def fit(self, candidate: Judged) -> Judged:
        """Reject the cells for whose scene and lighting no background was ever painted."""
        unpainted = {
            good.cell: NO_BACKGROUND
            for good in candidate.good
            if good.place.background[:2] not in self._painted
        }
        return candidate.without(unpainted, self._spec.limits.min_cells) if unpainted else candidate


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

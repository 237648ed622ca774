"""The models that draw people and backgrounds, loaded: one in each process that draws."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..compositing.gate import Gate
from ..compositing.matting import Matting
from ..errors import UserError
from ..model_sources import describe_models, role_of
from ..posing.canvas import Grid
from ..prompting.prompts import Identity
from ..synthesis import Characters
from ..worlds.scenes import Painter
from .candidate import Drawing
from .spec import BuildSpec
from .without_people import WithoutPeople

logger = logging.getLogger(__name__)


class Drawer:
    """Draws canvases and paints backgrounds.

    Args:
        spec: the build.

    Raises:
        UserError: a package, model or device cannot be used; also one that only the workers need,
            so that it is missed now and not after a batch.
    """

    def __init__(self, spec: BuildSpec) -> None:
        self._spec = spec
        self._models: dict[str, dict[str, str]] = {}
        self._matting: Matting | None = None
        if spec.matting is not None:
            matting = Matting(spec.matting)  # fetched once here, not by every worker
            logger.info("cutting out with %s on %s", spec.matting.model, matting.provider)
            self._models["MATTING"] = matting.describe()
            # on a GPU, one session cuts out where the canvas is; CPUs do better in every worker
            self._matting = matting if matting.is_on_gpu else None
        gate = Gate(spec.limits, spec.picture, spec.poses)
        self._synthesizer = spec.build_synthesizer()
        self._models |= describe_models(spec.route.model_sources())
        self.painter: Painter = self._synthesizer
        if gate.detector is not None:
            self.painter = WithoutPeople(self._synthesizer, gate.detector)

    def models(self) -> dict[str, dict[str, str]]:
        """Return role -> name, revision and licence of every model of the build."""
        return self._models

    def draw(self, batch: Sequence[Identity]) -> list[Drawing]:
        """Draw all canvases of a batch of identities: one call for each light they are drawn in."""
        drawings = [self._spec.drawings(identity) for identity in batch]
        rounds = [
            self._synthesizer.characters(same_round) for same_round in zip(*drawings, strict=True)
        ]
        if self._matting is not None:
            rounds = [cut_out(canvases, self._matting, self._spec.grid) for canvases in rounds]
        by_identity = zip(*rounds, strict=True)
        return [(identity, list(own)) for identity, own in zip(batch, by_identity, strict=True)]

    def paint(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Paint a background; see :class:`~geneperson.worlds.scenes.Painter`."""
        return self.painter.background(scene, lighting, index)


def cut_out(canvases: Sequence[Characters], matting: Matting, grid: Grid) -> list[Characters]:
    """Return canvases with the alpha that the matting finds, all their cells in one call."""
    cells = [cell for canvas in canvases for cell in grid.crop(canvas.image)]
    alphas = matting.alphas(cells)
    starts = range(0, len(alphas), grid.num_cells)
    return [
        Characters(image=canvas.image, alpha=grid.assemble(alphas[start : start + grid.num_cells]))
        for canvas, start in zip(canvases, starts, strict=True)
    ]


def refuse_other_models(spec: BuildSpec, recorded: Mapping[str, Any], output: Path) -> None:
    """Refuse a finished set that was drawn by other models than those of the settings.

    A model that is not on this machine counts as the recorded one.
    """
    for key, source in spec.route.model_sources().items():
        ours, theirs = source.describe(), recorded.get(role_of(key), {})
        if source.is_on_disk() and ours["revision"] != theirs.get("revision"):
            raise UserError(
                f"{output} holds a finished set with another {key}: {theirs.get('revision')}, not "
                f"{ours['revision']}; choose another --output"
            )

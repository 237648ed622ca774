"""The procedural route as a build sees it; the drawing code is imported when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from yacs.config import CfgNode

    from ...model_sources import ModelSource
    from ...posing.canvas import Grid
    from ...posing.skeletons import Pose
    from ...worlds.world import World
    from ..base import Synthesizer


@dataclass(frozen=True, kw_only=True)
class ProceduralRoute:
    """Drawing by formula: no weights, no GPU, and an exact alpha, so no matting.

    See :class:`~geneperson.synthesis.base.Route`.
    """

    name: ClassVar[str] = "procedural"
    note: ClassVar[str] = (
        "The procedural synthesizer draws simple shaded bodies; it is a toy that runs the whole "
        "system without a\ndiffusion model, and its pictures are far from photographs."
    )
    sections: ClassVar[tuple[str, ...]] = ()
    draws_in_workers: ClassVar[bool] = True
    needs_matting: ClassVar[bool] = False
    needs_depth: ClassVar[bool] = True
    background_models: ClassVar[tuple[str, ...]] = ()
    batch_size: ClassVar[int] = 1

    @classmethod
    def from_config(cls, cfg: CfgNode) -> ProceduralRoute:
        """Resolve the route; it has no settings of its own."""
        return cls()

    def model_sources(self) -> dict[str, ModelSource]:
        """Return the models of the route: none."""
        return {}

    def describe_background(self, scene: str, lighting: str) -> dict[str, Any]:
        """Return what decides about a background: its names alone."""
        return {"scene": scene, "lighting": lighting}

    def software(self) -> dict[str, str]:
        """Return the versions of the packages that draw: none besides NumPy and OpenCV."""
        return {}

    def cost(self, grid: Grid) -> None:
        """Return None: no model draws."""
        return

    def why_not_measurable(self) -> str | None:
        """Return None: the speed can be measured on any machine."""
        return None

    def build(
        self,
        *,
        grid: Grid,
        poses: Sequence[Pose],
        world: World,
        seed: int,
        offline: bool = False,
    ) -> Synthesizer:
        """Build the synthesizer; nothing is fetched, so ``offline`` makes no difference."""
        from .synthesizer import ProceduralSynthesizer

        return ProceduralSynthesizer(grid=grid, poses=poses, world=world, seed=seed)

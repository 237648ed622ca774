"""The diffusion route as a build sees it; torch and diffusers are imported when it draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import UserError
from ...posing.canvas import Grid, SkeletonStyle
from ...worlds.lighting import get_lighting
from ...worlds.scenes import NEGATIVE_PROMPT, background_prompt
from .samplers import refuse_too_many_steps
from .settings import ACCELERATION, DiffusionSettings

if TYPE_CHECKING:
    from yacs.config import CfgNode

    from ...model_sources import ModelSource
    from ...posing.skeletons import Pose
    from ...worlds.world import World
    from ..base import Synthesizer

_PACKAGES = ("torch", "diffusers", "transformers", "peft")
_BLOCK_PX = 8  # SDXL's VAE works on blocks of 8 x 8 pixels


@dataclass(frozen=True, kw_only=True)
class DiffusionRoute:
    """Drawing with SDXL; see :class:`~geneperson.synthesis.base.Route`.

    Attributes:
        settings: what ``cfg.DIFFUSION`` asks for.
        style: how thick the skeleton map is drawn.
    """

    name: ClassVar[str] = "diffusion"
    sections: ClassVar[tuple[str, ...]] = ("DIFFUSION", "MATTING")
    draws_in_workers: ClassVar[bool] = False
    needs_matting: ClassVar[bool] = True
    needs_depth: ClassVar[bool] = False
    background_models: ClassVar[tuple[str, ...]] = (
        *("BASE", "BASE_CONFIG", "VAE"),
        f"LORA.{ACCELERATION}",
    )

    settings: DiffusionSettings
    style: SkeletonStyle

    @classmethod
    def from_config(cls, cfg: CfgNode) -> DiffusionRoute:
        """Resolve the route.

        Raises:
            UserError: a model that cannot be one, a canvas that SDXL cannot draw, or steps that the
                sampler does not have.
        """
        _refuse_bad_sizes(cfg)
        refuse_too_many_steps(cfg.DIFFUSION.SCHEDULER, cfg.DIFFUSION.STEPS)
        settings = DiffusionSettings.from_config(cfg)
        return cls(settings=settings, style=SkeletonStyle.from_config(cfg))

    @property
    def note(self) -> str:
        """Which of the paper's LoRAs are absent, and settings that hardly make sense together."""
        return self.settings.note

    @property
    def batch_size(self) -> int:
        """Identities drawn in one call."""
        return self.settings.batch_size

    def model_sources(self) -> dict[str, ModelSource]:
        """Return the models by the key that asks for each."""
        return self.settings.sources

    def describe_background(self, scene: str, lighting: str) -> dict[str, Any]:
        """Return what decides about a background besides models, seed, world and number."""
        settings = self.settings
        return {
            "prompt": background_prompt(scene, get_lighting(lighting)),
            "negative_prompt": [NEGATIVE_PROMPT, settings.negative_extra],
            "size": settings.background_size,
            "scheduler": settings.scheduler,
            "acceleration_weight": settings.lora_weights.get(ACCELERATION),
            "steps": settings.steps,
            "guidance": settings.guidance,
            "dtype": settings.dtype,
        }

    def software(self) -> dict[str, str]:
        """Return the versions of the packages that draw."""
        return {name: metadata.version(name) for name in _PACKAGES}

    def why_not_measurable(self) -> str | None:
        """Return why the speed cannot be measured on this machine; None if it can."""
        try:
            import torch
        except ImportError:
            return "torch is not installed"
        if not torch.cuda.is_available():
            return "no GPU on this machine"
        if not all(source.is_on_disk() for source in self.settings.sources.values()):
            return "models have yet to be fetched"
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
        """Load the models; the camera world plays no part in what SDXL draws.

        Raises:
            UserError: a package, model or device cannot be used.
        """
        from .synthesizer import DiffusionSynthesizer

        return DiffusionSynthesizer(
            grid=grid,
            poses=poses,
            style=self.style,
            seed=seed,
            settings=self.settings,
            offline=offline,
        )


def _refuse_bad_sizes(cfg: CfgNode) -> None:
    """Refuse a canvas or cells of a size that SDXL cannot draw, or cannot draw well."""
    scale, grid = cfg.DIFFUSION.SCALE, Grid.from_config(cfg)
    height, width = (side * scale for side in grid.size)
    if height % _BLOCK_PX or width % _BLOCK_PX:
        raise UserError(
            f"configuration: DIFFUSION.SCALE is {scale!r}, must be such that both sides of the "
            f"canvas times SCALE are multiples of {_BLOCK_PX}"
        )
    cell = grid.cell_height * scale, grid.cell_width * scale
    smallest = cfg.DIFFUSION.MIN_CELL
    if cell[0] < smallest[0] or cell[1] < smallest[1]:
        raise UserError(
            f"configuration: cells are drawn at {cell[0]:.0f} x {cell[1]:.0f} pixels, must have "
            f"{smallest[0]} x {smallest[1]} or more (DIFFUSION.MIN_CELL), because SDXL draws no "
            "smaller people: increase DIFFUSION.SCALE or CANVAS.CELL_SIZE"
        )
    low, high = cfg.DIFFUSION.MEGAPIXELS
    if not low <= height * width / 1e6 <= high:
        raise UserError(
            f"configuration: the canvas is drawn at {height:.0f} x {width:.0f} pixels, must have "
            f"{low}..{high} million (DIFFUSION.MEGAPIXELS), because SDXL was trained on pictures "
            "of 1 million: change DIFFUSION.SCALE, or CANVAS.COLUMNS and CANVAS.ROWS"
        )

"""The two protocols of a way of drawing: a route is resolved first, a synthesizer draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

if TYPE_CHECKING:
    from yacs.config import CfgNode

    from ..model_sources import ModelSource
    from ..posing.canvas import Grid
    from ..posing.skeletons import Pose
    from ..prompting.prompts import Identity
    from ..worlds.world import World


@dataclass(frozen=True, kw_only=True)
class Characters:
    """One identity in every cell of the canvas.

    Attributes:
        image: (H, W, 3) uint8 canvas, the person on a plain background.
        alpha: (H, W) uint8 coverage of the person, 0..255; None if matting has yet to find it.
    """

    image: np.ndarray
    alpha: np.ndarray | None


@dataclass(frozen=True, kw_only=True)
class DrawingCost:
    """What drawing with a model costs, computed from the settings.

    Attributes:
        canvas_tflop: arithmetic of one canvas, in TFLOP.
        background_tflop: of one background.
        background_pixels: of one background.
        memory_gb: of the GPU.
        download_gb: of each model on the hub, by key; None if it is not known.
    """

    canvas_tflop: float
    background_tflop: float
    background_pixels: int
    memory_gb: float
    download_gb: dict[str, float | None]


class Synthesizer(Protocol):
    """Draws identities and backgrounds; equal arguments give equal bytes, in any order of calls."""

    def characters(self, identities: Sequence[Identity]) -> list[Characters]:
        """Draw one canvas per identity, independent of which others share the call.

        Cells that an identity does not name may be left empty.
        """

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Draw picture number ``index`` of a scene under a lighting, (h, w, 3) uint8."""


class Route(Protocol):
    """One way of drawing, resolved from the settings: picklable values, no loaded model.

    Attributes:
        name: its ``SYNTHESIS.NAME``.
        sections: sections of the configuration that only this route and others that list them
            read; they are not recorded in a set drawn by another route.
        draws_in_workers: whether every worker process draws for itself. Otherwise one process
            holds the model, draws all canvases and the workers finish them.
        needs_matting: whether its canvases come without alpha.
        background_models: roles of the models that draw backgrounds.
        needs_depth: whether it needs skeletons with all joints and their depth.
    """

    name: ClassVar[str]
    sections: ClassVar[tuple[str, ...]]
    draws_in_workers: ClassVar[bool]
    needs_matting: ClassVar[bool]
    needs_depth: ClassVar[bool]
    background_models: ClassVar[tuple[str, ...]]

    @classmethod
    def from_config(cls, cfg: CfgNode) -> Route:
        """Resolve the route.

        Raises:
            UserError: settings that this route cannot use.
        """

    @property
    def note(self) -> str:
        """What plan and data card say of its pictures; empty for nothing."""

    @property
    def batch_size(self) -> int:
        """Identities drawn in one call; batches have fixed members."""

    def model_sources(self) -> dict[str, ModelSource]:
        """Return the models that draw, by the key of the configuration that asks for each."""

    def describe_background(self, scene: str, lighting: str) -> dict[str, Any]:
        """Return what decides about a background besides models, seed, world and number."""

    def software(self) -> dict[str, str]:
        """Return the versions of the packages that draw, besides NumPy and OpenCV."""

    def cost(self, grid: Grid) -> DrawingCost | None:
        """Return what drawing costs; None if no model draws."""

    def why_not_measurable(self) -> str | None:
        """Return why the speed cannot be measured on this machine; None if it can."""

    def build(
        self,
        *,
        grid: Grid,
        poses: Sequence[Pose],
        world: World,
        seed: int,
        offline: bool = False,
    ) -> Synthesizer:
        """Load what draws.

        Args:
            grid: the canvas.
            poses: one skeleton per cell.
            world: the camera world.
            seed: of the backgrounds; identities bring their own.
            offline: fetch nothing; a model that is not on this machine is an error.

        Raises:
            UserError: a package, model or device cannot be used.
        """

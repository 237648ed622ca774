"""The paper's route: SDXL draws one identity in all cells of a canvas, led by pose and edge maps.

Each identity has its own random generator, so its picture does not depend on who shares the batch.
Batches of different sizes can still differ in the last bits of their arithmetic. Therefore batches
have fixed members (candidates 0..b-1, b..2b-1, ...), and the bytes of a candidate depend neither on
where a build was stopped nor on how many identities were asked for, as long as BATCH_SIZE fits into
memory.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from ... import seeding
from ...errors import UserError
from ...posing.canvas import Grid, SkeletonStyle, edge_map, skeleton_map
from ...posing.skeletons import Pose
from ..base import Characters
from . import sdxl
from .prompt_embeddings import PromptEmbeddings
from .samplers import TCD_ETA
from .settings import DiffusionSettings

if TYPE_CHECKING:
    from ...prompting.prompts import Identity

_UNION_MODES = [0, 3]  # the union network's numbers for OpenPose and for Canny maps

logger = logging.getLogger(__name__)


class DiffusionSynthesizer:
    """Draws with a loaded SDXL pipeline.

    Args:
        grid: the canvas.
        poses: one skeleton per cell.
        style: how thick the skeleton map is drawn.
        seed: of the backgrounds; people bring their own.
        settings: models and how they are used.
        offline: use only models that are on this machine.

    Raises:
        UserError: a package, model or device cannot be used.
    """

    def __init__(
        self,
        *,
        grid: Grid,
        poses: Sequence[Pose],
        style: SkeletonStyle,
        seed: int,
        settings: DiffusionSettings,
        offline: bool = False,
    ) -> None:
        self._grid = grid
        self._seed = seed
        self._settings = settings
        self._chunk = settings.batch_size  # pictures that fit into the GPU's memory at once
        height, width = grid.size
        self._size = round(height * settings.scale), round(width * settings.scale)
        maps = (skeleton_map(grid, poses, style), edge_map(grid))
        self._maps = [self._enlarged(condition) for condition in maps]
        self._pipe, self._loras = sdxl.load_pipeline(settings, offline=offline)
        self._painter: sdxl.Pipeline | None = None
        self._people = PromptEmbeddings(self._pipe, settings)
        self._backgrounds = PromptEmbeddings(self._pipe, settings)

    def characters(self, identities: Sequence[Identity]) -> list[Characters]:
        """Draw one canvas per identity; see :class:`~geneperson.synthesis.base.Synthesizer`."""
        canvases: list[Characters] = []
        while len(canvases) < len(identities):
            chunk = identities[len(canvases) : len(canvases) + self._chunk]
            try:
                pictures = self._draw(chunk)
            except _out_of_memory() as error:
                self._halve(error)
                continue
            canvases += [Characters(image=self._shrunk(each), alpha=None) for each in pictures]
        return canvases

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Draw with the same base model without ControlNets and LoRAs, (h, w, 3) uint8."""
        import torch

        if self._painter is None:
            self._painter = sdxl.without_control(self._pipe, self._settings)
        seed = int(seeding.rng(self._seed, "scene", scene, lighting, index).integers(2**31))
        height, width = self._settings.background_size
        self._loras.use(for_people=False)
        try:
            picture = self._painter(
                **self._backgrounds.of_background(scene, lighting),
                **self._sampling(),
                height=height,
                width=width,
                generator=torch.Generator("cpu").manual_seed(seed),
            ).images
        except _out_of_memory() as error:
            raise UserError(
                "one background does not fit into the GPU's memory: set DIFFUSION.CPU_OFFLOAD "
                "True, or reduce DIFFUSION.BACKGROUND_SIZE"
            ) from error
        return _to_uint8(picture)[0]

    def _draw(self, identities: Sequence[Identity]) -> np.ndarray:
        """Draw a batch of canvases in full size, (B, H, W, 3) uint8."""
        import torch

        height, width = self._size
        generators = [torch.Generator("cpu").manual_seed(person.seed) for person in identities]
        settings = self._settings
        control: dict[str, Any] = {"image": self._maps}
        if settings.has_union_controlnet:
            control = {"control_image": self._maps, "control_mode": _UNION_MODES}
        self._loras.use(for_people=True)
        pictures = self._pipe(
            **self._people.of_people(identities),
            **self._sampling(),
            **control,
            controlnet_conditioning_scale=[settings.pose_scale, settings.edge_scale],
            control_guidance_end=[settings.pose_end, settings.edge_end],
            height=height,
            width=width,
            generator=generators,
        ).images
        return _to_uint8(pictures)

    def _sampling(self) -> dict[str, Any]:
        """Return how people and backgrounds are denoised."""
        return {
            "num_inference_steps": self._settings.steps,
            "guidance_scale": self._settings.guidance,
            "eta": TCD_ETA,
            "output_type": "np",
        }

    def _halve(self, error: BaseException) -> None:
        """Halve the number of pictures drawn at once; a single one that does not fit is refused."""
        import torch

        if self._chunk == 1:
            raise UserError(
                "one canvas does not fit into the GPU's memory: set DIFFUSION.VAE_TILING or "
                "DIFFUSION.CPU_OFFLOAD True, or reduce the canvas"
            ) from error
        self._chunk = (self._chunk + 1) // 2
        torch.cuda.empty_cache()
        logger.warning(
            "out of GPU memory: drawing %d at once from now on, which can change the last bits; "
            "set DIFFUSION.BATCH_SIZE %d to do so from the start",
            self._chunk,
            self._chunk,
        )

    def _enlarged(self, condition: np.ndarray) -> Image.Image:
        height, width = self._size
        # not smoothed: the networks were trained on hard edges
        return Image.fromarray(condition).resize((width, height), Image.Resampling.NEAREST)

    def _shrunk(self, picture: np.ndarray) -> np.ndarray:
        height, width = self._grid.size
        if picture.shape[:2] == (height, width):
            return picture
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _to_uint8(pictures: np.ndarray) -> np.ndarray:
    """Turn (B, H, W, 3) in 0..1 into uint8; refuse the output of a VAE that overflowed."""
    if not np.isfinite(pictures).all() or not pictures.any():
        raise UserError(
            "the VAE gave a black picture, as SDXL's own does in fp16: set DIFFUSION.DTYPE bf16, "
            "or DIFFUSION.VAE madebyollin/sdxl-vae-fp16-fix"
        )
    return np.rint(pictures * 255.0).astype(np.uint8)


def _out_of_memory() -> type[Exception]:
    import torch

    return torch.OutOfMemoryError

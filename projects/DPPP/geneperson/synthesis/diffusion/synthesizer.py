"""The paper's route: SDXL draws one identity in all cells of a canvas, led by pose and edge maps.

Each identity has a random generator of its own, so that its picture is the same whoever shares the
batch. Batches of another size can still differ in the last bits of their arithmetic: so they have
fixed members (candidates 0..b-1, b..2b-1, ...), and a candidate's bytes do not depend on where a
build was stopped or how many identities were asked for, as long as BATCH_SIZE fits into memory.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ... import seeding
from ...errors import UserError
from ...posing.canvas import Grid, edge_map, skeleton_map
from ...posing.cells import cell_poses
from ...posing.skeletons import Pose
from ...prompting.prompts import SHEET
from ...worlds import scenes
from ...worlds.lighting import get_lighting
from ..base import Characters
from . import sdxl

if TYPE_CHECKING:
    import torch
    from yacs.config import CfgNode

    from ...prompting.prompts import Identity

_UNION_MODES = [0, 3]  # the union network's numbers for OpenPose and for Canny maps

logger = logging.getLogger(__name__)


class DiffusionSynthesizer:
    """Draws with a loaded SDXL pipeline.

    Args:
        grid: the canvas.
        poses: one skeleton a cell.
        limb_width: half width of a limb in the skeleton map, pixels of the grid.
        seed: of the backgrounds; people bring their own.
        settings: ``cfg.DIFFUSION``.
        offline: use models that are on this machine only.

    Raises:
        UserError: packages, models or device that cannot be used.
    """

    def __init__(
        self,
        grid: Grid,
        poses: Sequence[Pose],
        limb_width: int,
        seed: int,
        settings: CfgNode,
        offline: bool = False,
    ) -> None:
        self._grid = grid
        self._seed = seed
        self._settings = settings
        self.batch_size = settings.BATCH_SIZE
        self._chunk = settings.BATCH_SIZE  # pictures that fit into the GPU's memory at once
        self._size = tuple(round(side * settings.SCALE) for side in grid.size)
        maps = (skeleton_map(grid, poses, limb_width), edge_map(grid))
        self._maps = [self._enlarged(condition) for condition in maps]
        self._pipe = sdxl.load_pipeline(settings, offline)
        self._painter = None

    @classmethod
    def from_config(cls, cfg: CfgNode, offline: bool = False) -> DiffusionSynthesizer:
        grid, limb_width = Grid.from_config(cfg), cfg.POSES.LIMB_WIDTH
        return cls(grid, cell_poses(cfg), limb_width, cfg.SEED, cfg.DIFFUSION, offline)

    def models(self) -> dict[str, dict[str, str]]:
        """Name, revision and licence of every model, by the key that asks for it."""
        sources = sdxl.model_sources(self._settings)
        return {
            key.removeprefix("DIFFUSION."): source.describe() for key, source in sources.items()
        }

    def characters(self, identities: Sequence[Identity]) -> list[Characters]:
        """One canvas an identity; see :class:`~geneperson.synthesis.base.Synthesizer`."""
        canvases = []
        while len(canvases) < len(identities):
            some = identities[len(canvases) : len(canvases) + self._chunk]
            try:
                pictures = self._draw(some)
            except _out_of_memory() as error:
                self._halve(error)
                continue
            canvases += [Characters(self._shrunk(picture), None) for picture in pictures]
        return canvases

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """(h, w, 3) uint8: the same base model without ControlNets and LoRAs."""
        import torch

        if self._painter is None:
            self._painter = sdxl.without_control(self._pipe, self._settings)
        seed = int(seeding.rng(self._seed, "scene", scene, lighting, index).integers(2**31))
        height, width = self._settings.BACKGROUND_SIZE
        has_lora = bool(self._pipe.get_list_adapters())
        if has_lora:
            self._pipe.disable_lora()
        try:
            picture = self._painter(
                prompt=scenes.background_prompt(scene, get_lighting(lighting)),
                negative_prompt=scenes.NEGATIVE_PROMPT,
                height=height,
                width=width,
                num_inference_steps=self._settings.STEPS,
                guidance_scale=self._settings.GUIDANCE,
                generator=torch.Generator("cpu").manual_seed(seed),
                output_type="np",
            ).images
        except _out_of_memory() as error:
            raise UserError(
                "one background does not fit into the GPU's memory: set DIFFUSION.CPU_OFFLOAD "
                "True, or a smaller DIFFUSION.BACKGROUND_SIZE"
            ) from error
        finally:
            if has_lora:
                self._pipe.enable_lora()
        return _to_uint8(picture)[0]

    def _draw(self, identities: Sequence[Identity]) -> np.ndarray:
        """(B, H, W, 3) uint8: the canvases as drawn."""
        import torch

        height, width = self._size
        generators = [torch.Generator("cpu").manual_seed(one.seed) for one in identities]
        scales = [self._settings.POSE_SCALE, self._settings.EDGE_SCALE]
        if self._settings.UNION_CONTROLNET:
            control = {"control_image": self._maps, "control_mode": _UNION_MODES}
        else:
            control = {"image": self._maps}
        pictures = self._pipe(
            **self._encode(identities),
            **control,
            controlnet_conditioning_scale=scales,
            height=height,
            width=width,
            num_inference_steps=self._settings.STEPS,
            guidance_scale=self._settings.GUIDANCE,
            generator=generators,
            output_type="np",
        ).images
        return _to_uint8(pictures)

    def _encode(self, identities: Sequence[Identity]) -> dict[str, torch.Tensor]:
        """Embed the prompts in two parts, the person and the sheet.

        CLIP reads 77 tokens; the whole prompt has up to 80 and more, and what would be cut off is
        "multiple views". Each part gets its own 77, one behind the other, as cross-attention
        allows; the pooled embedding is the person's.
        """
        import torch

        sheet = ", ".join(part for part in (SHEET, self._settings.EXTRA_PROMPT) if part)
        people = [one.prompt.removesuffix(f", {SHEET}") for one in identities]
        negative = [one.negative_prompt for one in identities]
        nothing = [""] * len(identities)
        with torch.no_grad():
            parts = [
                self._pipe.encode_prompt(prompt=text, negative_prompt=unwanted)
                for text, unwanted in ((people, negative), ([sheet] * len(people), nothing))
            ]
        return {
            "prompt_embeds": torch.cat([part[0] for part in parts], dim=1),
            "negative_prompt_embeds": torch.cat([part[1] for part in parts], dim=1),
            "pooled_prompt_embeds": parts[0][2],
            "negative_pooled_prompt_embeds": parts[0][3],
        }

    def _halve(self, error: BaseException) -> None:
        """Go on with half the pictures at once; with one picture there is no way on."""
        import torch

        if self._chunk == 1:
            raise UserError(
                "one canvas does not fit into the GPU's memory: set DIFFUSION.CPU_OFFLOAD True, "
                "or a smaller canvas"
            ) from error
        self._chunk = (self._chunk + 1) // 2
        torch.cuda.empty_cache()
        logger.warning(
            "out of GPU memory: drawing %d at once from here on, which can change last bits; "
            "DIFFUSION.BATCH_SIZE %d does so from the start",
            self._chunk,
            self._chunk,
        )

    def _enlarged(self, condition: np.ndarray) -> object:
        from PIL import Image

        height, width = self._size
        # not smoothed: the networks know hard edges
        return Image.fromarray(condition).resize((width, height), Image.Resampling.NEAREST)

    def _shrunk(self, picture: np.ndarray) -> np.ndarray:
        height, width = self._grid.size
        if picture.shape[:2] == (height, width):
            return picture
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _to_uint8(pictures: np.ndarray) -> np.ndarray:
    """Turn (B, H, W, 3) in 0..1 into uint8; a half-precision VAE that overflowed is refused."""
    if not np.isfinite(pictures).all() or not pictures.any():
        raise UserError(
            "the VAE gave a black picture, as SDXL's own does in fp16: set DIFFUSION.DTYPE bf16, "
            "or DIFFUSION.VAE madebyollin/sdxl-vae-fp16-fix"
        )
    return np.rint(pictures * 255.0).astype(np.uint8)


def _out_of_memory() -> type[Exception]:
    import torch

    return torch.OutOfMemoryError

"""U2Net and its relatives, several cells at once, with the masks that rembg gives one by one.

A cell is resized and normalized as the network was trained; each mask is stretched to 0..255 by its
own lowest and highest value, and resized to its cell.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from .onnx_providers import OutOfMemoryError, RunError, errors_of_a_run

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

logger = logging.getLogger(__name__)

_IMAGENET_MEAN = (0.485, 0.456, 0.406)


@dataclass(frozen=True, kw_only=True)
class Input:
    """What a network takes.

    Attributes:
        side: height and width in pixels.
        mean: of each channel of a picture whose brightest value is 1.
        std: what each channel is divided by, after its mean is subtracted.
    """

    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def prepare(self, cell: np.ndarray) -> np.ndarray:
        """Return a cell (h, w, 3) uint8 as (3, side, side) float32."""
        size = (self.side, self.side)
        pixels = np.asarray(Image.fromarray(cell).resize(size, Image.Resampling.LANCZOS))
        # what each of the 256 values becomes in each channel; in float64 first, like rembg
        values = np.arange(256, dtype=np.uint8)[:, None] / max(int(pixels.max()), 1e-6)
        table = ((values - np.array(self.mean)) / np.array(self.std)).astype(np.float32)
        return cv2.LUT(pixels, table[None]).transpose(2, 0, 1)


U2NET = Input(side=320, mean=_IMAGENET_MEAN, std=(0.229, 0.224, 0.225))
# Models of rembg, by name, whose masks are made as above; others are left to rembg.
INPUTS = {
    "u2net": U2NET,
    "u2netp": U2NET,
    "u2net_human_seg": U2NET,
    "silueta": U2NET,
    "isnet-general-use": Input(side=1024, mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0)),
    "isnet-anime": Input(side=1024, mean=_IMAGENET_MEAN, std=(1.0, 1.0, 1.0)),
}


class SaliencyNetwork:
    """One session. When its memory runs out, it goes on with half as many cells at once.

    Args:
        session: takes (n, 3, side, side) float32; its first output is (n, 1, side, side).
        takes: how cells are prepared for it.
        batch_size: most cells at once, at least 1.
    """

    def __init__(self, session: InferenceSession, takes: Input, batch_size: int) -> None:
        self._session = session
        self._takes = takes
        self._batch_size = batch_size
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name

    def alphas(self, cells: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Find the person in each cell; see :meth:`Matting.alphas`.

        Raises:
            RunError: the memory is too small for one cell, or the model cannot be run.
        """
        alphas: list[np.ndarray] = []
        has_freed = False
        while len(alphas) < len(cells):
            batch = cells[len(alphas) : len(alphas) + self._batch_size]
            try:
                maps = self._run(batch)
            except OutOfMemoryError:
                if has_freed and len(batch) == 1:
                    raise
                if has_freed:
                    self._halve(len(batch))
                _free_memory_of_torch()
                has_freed = True
                continue
            alphas += [_mask(*pair) for pair in zip(maps, batch, strict=True)]
        return alphas

    def _run(self, cells: Sequence[np.ndarray]) -> np.ndarray:
        """Return how salient each pixel is, (n, side, side) float32."""
        batch = np.stack([self._takes.prepare(cell) for cell in cells])
        with errors_of_a_run():
            (scores,) = self._session.run([self._output], {self._input: batch})
        if scores.ndim != 4 or len(scores) != len(cells):
            raise RunError(f"it gives {scores.shape} for {batch.shape}")
        return scores[:, 0]

    def _halve(self, num_cells: int) -> None:
        self._batch_size = num_cells // 2
        logger.warning(
            "out of memory: cutting out %d cells at once from now on; set MATTING.BATCH_SIZE %d "
            "to do so from the start",
            self._batch_size,
            self._batch_size,
        )


def _free_memory_of_torch() -> None:
    """Let go what torch keeps of the GPU for later, if this is the process that draws."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _mask(scores: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Stretch a map to 0..255 and resize it to its cell; a map without contrast finds nobody."""
    low, high = scores.min(), scores.max()
    if low == high:
        return np.zeros(cell.shape[:2], np.uint8)
    stretched = ((scores - low) / (high - low) * 255).astype(np.uint8)
    height, width = cell.shape[:2]
    mask = Image.fromarray(stretched).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(mask)

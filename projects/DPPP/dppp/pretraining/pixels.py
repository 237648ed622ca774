"""The numbers that a model's input is normalized with."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class PixelStatistics:
    """Mean and standard deviation of each channel, 0..255, as in MODEL.PIXEL_MEAN and PIXEL_STD."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def normalize(self, pixels: np.ndarray, device: str = "cpu") -> Tensor:
        """Return (B, H, W, 3) uint8 as normalized (B, 3, H, W) float32 on a device."""
        mean, std = (torch.tensor(x, device=device).view(1, 3, 1, 1) for x in (self.mean, self.std))
        channels_first = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device)
        return (channels_first.float() - mean) / std

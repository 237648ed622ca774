"""Brightness and saturation of RGB colors."""

from __future__ import annotations

import numpy as np

LUMA = (0.299, 0.587, 0.114)  # share of R, G, B in the perceived brightness (ITU-R BT.601)


def luma(rgb: np.ndarray) -> np.ndarray:
    """Return the brightness of (..., 3) float32 colors, (...) float32."""
    return rgb @ np.array(LUMA, np.float32)


def saturate(rgb: np.ndarray, factor: float) -> None:
    """Scale the saturation of an (H, W, 3) float32 image in place; 0 = grey, 1 = unchanged."""
    grey = luma(rgb)
    rgb *= factor
    rgb += ((1.0 - factor) * grey)[:, :, None]

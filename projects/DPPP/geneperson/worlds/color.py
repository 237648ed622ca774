"""Brightness and saturation of RGB colors."""

from __future__ import annotations

import cv2
import numpy as np

LUMA = (0.299, 0.587, 0.114)  # share of R, G, B in the perceived brightness (ITU-R BT.601)


def luma(rgb: np.ndarray) -> np.ndarray:
    """Return the brightness of (..., 3) float32 colors, (...) float32."""
    return rgb @ np.array(LUMA, np.float32)


def saturate(rgb: np.ndarray, factor: float) -> np.ndarray:
    """Scale the saturation of an (H, W, 3) float32 image, a new one; 0 = grey, 1 = unchanged."""
    matrix = factor * np.eye(3) + (1.0 - factor) * np.array(LUMA)
    return cv2.transform(rgb, matrix.astype(np.float32))

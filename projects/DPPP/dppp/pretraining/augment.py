"""What is done to the images of a batch: nothing that makes a word for them false."""

from collections.abc import Sequence

import cv2
import numpy as np

_MAX_SHIFT_PX = 4  # in each direction
_MAX_GAIN = 1.1  # of a color channel, and the inverse of the least
_MAX_GAMMA = 1.15  # likewise, of the tone curve


def augment(images: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Shift each image a little and take it with another camera's colors.

    Args:
        images: B of (H, W, 3) uint8.
        rng: source of every choice.

    Returns:
        (B, H, W, 3) uint8.
    """
    return np.stack([_recolored(_shifted(image, rng), rng) for image in images])


def _shifted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    most = _MAX_SHIFT_PX
    framed = cv2.copyMakeBorder(image, most, most, most, most, cv2.BORDER_REPLICATE)
    top, left = rng.integers(0, 2 * _MAX_SHIFT_PX + 1, 2)
    return framed[top : top + height, left : left + width]


def _recolored(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    *gains, gamma = np.exp(
        rng.uniform(-1, 1, 4) * np.log([_MAX_GAIN, _MAX_GAIN, _MAX_GAIN, _MAX_GAMMA])
    )
    level = np.linspace(0.0, 1.0, 256)[:, None] ** gamma * np.array(gains)
    table = np.rint(255.0 * np.minimum(level, 1.0)).astype(np.uint8)
    return cv2.LUT(image, table[None])

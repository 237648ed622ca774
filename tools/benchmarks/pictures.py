"""Pictures that cost a JPEG decoder about what photographs cost: smooth waves under fine noise."""

from pathlib import Path

import cv2
import numpy as np

QUALITY = 95  # GenePerson's
CAMERAS = 4
_AMPLITUDE, _NOISE = 90, 6


def write_pictures(folder: Path, number: int, size: tuple[int, int], per_identity: int) -> None:
    """Write a training set in Market-1501's layout.

    Args:
        folder: of the set.
        number: of images.
        size: (height, width), pixels.
        per_identity: images of each identity.
    """
    rng = np.random.default_rng(0)
    for part in ("bounding_box_train", "query", "bounding_box_test"):
        (folder / part).mkdir(parents=True)
    for index in range(number):
        name = f"{index // per_identity + 1:04d}_c{index % CAMERAS + 1}_{index:06d}.jpg"
        path = folder / "bounding_box_train" / name
        cv2.imwrite(str(path), _picture(rng, size), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def _picture(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    rows, columns = (np.linspace(0, np.pi, length) for length in size)
    waves = rng.uniform(1, 4, (2, 1, 1, 3))
    phases = rng.uniform(0, 2 * np.pi, 3)
    angles = waves[0] * rows[:, None, None] + waves[1] * columns[:, None] + phases
    picture = 128 + _AMPLITUDE * np.sin(angles) + rng.normal(0, _NOISE, (*size, 3))
    return picture.clip(0, 255).astype(np.uint8)

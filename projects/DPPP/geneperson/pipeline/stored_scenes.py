"""Background pictures on disk: drawn once by a model, read by the worker processes."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ..errors import UserError
from ..files import write_atomic
from ..worlds.lighting import LIGHTINGS
from ..worlds.scenes import SCENES, Painter


class StoredScenes:
    """Background pictures that were drawn beforehand.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Read picture number ``index`` of a scene, (h, w, 3) uint8."""
        path = self._folder / _picture_file(scene, lighting, index)
        content = np.frombuffer(path.read_bytes(), np.uint8)
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
        if picture is None:
            raise UserError(f"{path} is not a picture; delete it and run the same command again")
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    def paint_missing(self, painter: Painter, pool_size: int) -> None:
        """Draw the pictures that are not on disk yet; each is written whole or not at all."""
        missing = [
            (scene, lighting.name, index)
            for scene, lighting, index in product(SCENES, LIGHTINGS, range(pool_size))
            if not (self._folder / _picture_file(scene, lighting.name, index)).exists()
        ]
        self._folder.mkdir(exist_ok=True)
        for scene, lighting, index in tqdm(missing, unit="picture", desc="backgrounds"):
            picture = painter.background(scene, lighting, index)
            _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            write_atomic(self._folder / _picture_file(scene, lighting, index), png.tobytes())


def _picture_file(scene: str, lighting: str, index: int) -> str:
    return f"{scene}_{lighting}_{index:03d}.png"

"""Pictures of models on disk, without loss."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..errors import UserError

_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # a third of the time for a tenth more bytes


def to_png(picture: np.ndarray) -> bytes:
    """Encode a picture, (h, w, 3) uint8, RGB."""
    _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), _FAST)
    return png.tobytes()


def read_picture(path: Path) -> np.ndarray:
    """Read a picture, (h, w, 3) uint8, RGB.

    Raises:
        UserError: it is not one.
    """
    content = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    if picture is None:
        raise UserError(f"{path} is not a picture; delete it and run the same command again")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

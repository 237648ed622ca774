"""An embedder from an ONNX file, for example one of ``tools/export.py``, in place of histograms.

It takes one input, uint8 0..255, (batch, 3, height, width) in RGB, and normalizes in itself. Its
first output is (batch, D).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import UserError
from ..extras import require
from .onnx_providers import CPU, open_session

WHAT = "QUALITY.EMBEDDER"
_GREY = 128  # behind the people, so that the backdrop of a canvas does not count
_SIDES = ((2, "height"), (3, "width"))  # axis of the input -> end of the key in the notes
_HINT = "export one with tools/export.py"


class Embedder:
    """One onnxruntime session on one thread: the workers use the other cores.

    Args:
        model: the file.

    Raises:
        UserError: onnxruntime is missing, or the file is not an embedder of this kind.
    """

    def __init__(self, model: str) -> None:
        require("onnxruntime", WHAT)
        self._model = model
        try:
            self._session = open_session(str(Path(model).expanduser()), [CPU])
        except Exception as error:  # onnxruntime and the disk raise their own
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"{WHAT} {model!r} cannot be loaded: {reason}; {_HINT}") from error
        self._size = self._input_size()

    def signatures(self, people: Sequence[np.ndarray], alphas: Sequence[np.ndarray]) -> np.ndarray:
        """Describe people, cut out and put on grey.

        Args:
            people: (h, w, 3) uint8 each, at least one.
            alphas: (h, w) uint8 each, 0 = background, 255 = person.

        Returns:
            (N, 1, D) float32, rows of length 1.
        """
        images = [self._prepare(*pair) for pair in zip(people, alphas, strict=True)]
        batch = np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2))
        (name,) = (each.name for each in self._session.get_inputs())
        try:
            features = self._session.run(None, {name: batch})[0]
        except Exception as error:  # onnxruntime raises its own: a fixed batch size, memory
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"{WHAT} {self._model!r} cannot be run: {reason}; {_HINT}") from error
        if features.ndim != 2 or len(features) != len(batch):
            raise UserError(
                f"{WHAT} {self._model!r} gives {features.shape} for {len(batch)} images, must be "
                f"(images, dimension); {_HINT}"
            )
        lengths = np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        return (features / lengths).astype(np.float32)[:, None]

    def _prepare(self, person: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        weight = alpha[:, :, None].astype(np.float32) / 255.0
        cut = np.round(person * weight + _GREY * (1.0 - weight)).astype(np.uint8)
        height, width = self._size
        return cv2.resize(cut, (width, height), interpolation=cv2.INTER_CUBIC)

    def _input_size(self) -> tuple[int, int]:
        """Return (height, width) from the file's own notes, or from the shape of its input."""
        inputs: list[Any] = self._session.get_inputs()
        first = inputs[0]
        if len(inputs) != 1 or first.type != "tensor(uint8)" or len(first.shape) != 4:
            raise UserError(
                f"{WHAT} {self._model!r} takes {first.type} of shape {first.shape}, must take one "
                f"input, uint8 (batch, 3, height, width); {_HINT}"
            )
        notes = self._session.get_modelmeta().custom_metadata_map
        size = [notes.get(f"image_{side}", first.shape[axis]) for axis, side in _SIDES]
        if not all(str(side).isdecimal() for side in size):
            raise UserError(
                f"{WHAT} {self._model!r} does not state the height and width of its images; {_HINT}"
            )
        return int(size[0]), int(size[1])

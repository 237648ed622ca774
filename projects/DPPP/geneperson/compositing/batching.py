"""Opening an ONNX file so that it takes several pictures at once.

An exported network can state a batch of 1 although its layers do not depend on it. The statement is
taken out, and two pictures are tried together and alone.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .onnx_providers import Provider, RunError, errors_of_a_run, open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

logger = logging.getLogger(__name__)

_ONE_BY_ONE = "%s is run one cell at a time: %s"
_TOLERANCE = 0.02  # of a map's range: GPUs round differently in another batch


def open_batched(
    path: Path, providers: Sequence[Provider], batch_size: int, side: int
) -> tuple[InferenceSession, int]:
    """Open a file for batches.

    Args:
        path: the file; its input is (batch, 3, side, side).
        providers: of onnxruntime, in order of preference.
        batch_size: pictures at once, at least 1.
        side: height and width of a picture.

    Returns:
        The session, and how many pictures it takes at once: ``batch_size``, or 1 if the file
        cannot take more.
    """
    if batch_size == 1:
        return open_session(str(path), providers), 1
    if importlib.util.find_spec("onnx") is None:
        logger.warning(_ONE_BY_ONE, path.name, "pip install onnx to run several")
        return open_session(str(path), providers), 1
    session = open_session(_of_any_batch(path), providers)
    reason = _why_no_batches(session, side)
    if reason is None:
        return session, batch_size
    logger.warning(_ONE_BY_ONE, path.name, reason)
    return open_session(str(path), providers), 1


def _of_any_batch(path: Path) -> bytes:
    """Return the content of a file whose inputs and outputs have a first dimension of any size."""
    import onnx

    model = onnx.load(path)
    del model.graph.value_info[:]  # notes of shapes inside, with the old batch
    for value in (*model.graph.input, *model.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        if dimensions:
            dimensions[0].dim_param = "batch"
    return bytes(model.SerializeToString())


def _why_no_batches(session: InferenceSession, side: int) -> str | None:
    """Run two pictures together and alone; None if that is the same."""
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name
    pictures = np.zeros((2, 3, side, side), np.float32)
    pictures[0, :, : side // 2] = 1.0
    pictures[1, :, :, : side // 3] = 1.0
    try:
        with errors_of_a_run():
            both = session.run([output], {name: pictures})[0]
            alone = [session.run([output], {name: picture[None]})[0] for picture in pictures]
    except RunError as error:
        return str(error)
    expected = np.concatenate(alone)
    if both.shape != expected.shape:
        return f"two pictures give {both.shape}"
    off = np.abs(both - expected).max() / max(float(np.ptp(expected)), 1e-6)
    return None if off <= _TOLERANCE else f"two pictures together differ by {100 * off:.0f} %"

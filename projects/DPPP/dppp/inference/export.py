"""One file for other programs: ONNX, or torch.export's, with the preprocessing in it.

Its input is ``images`` (B, 3, H, W), uint8, RGB, for any B. Normalization is part of the file, so
its user only resizes, and pixels in [0, 1] are not accepted. Its output is ``features`` (B, d1),
float32, of length 1.
"""

import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from ..errors import UserError
from ..extras import require
from ..files import whole_file
from .embedder import Embedder
from .files import require_suffix

TOLERANCE = 1e-4  # of each number of a feature, all of which are below 1
METADATA_FILE = "preprocessing.json"  # inside a .pt2 file
_BATCHES = (1, 2, 5)
_ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")

Runner = Callable[[np.ndarray], np.ndarray]


def describe_input(embedder: Embedder) -> dict[str, str]:
    """Return what a user of the file must know; it is written into the file."""
    height, width = embedder.image_size
    return {
        "image_height": str(height),
        "image_width": str(width),
        "resize": "bicubic, to exactly this size (no crop, no padding)",
        "channel_order": "RGB",
        "input": "images: uint8, 0..255, (batch, 3, height, width); normalization is in the file",
        "output": "features: float32, (batch, dimension), of length 1; inner product = cosine",
        "feature_dim": str(embedder.feature_dim),
        "model": embedder.name,
        "model_digest": embedder.digest,
    }


def export(embedder: Embedder, output: str | os.PathLike) -> float:
    """Write a .onnx or .pt2 file, and compare it with the model.

    Args:
        embedder: on the CPU.
        output: the file.

    Returns:
        The largest difference between its features and PyTorch's, over random images in batches
        of 1, 2 and 5.

    Raises:
        UserError: a package is missing, the model cannot be exported, or the two differ by more
            than ``TOLERANCE``. No file is written then.
    """
    output = require_suffix(output, ".onnx", ".pt2")
    if embedder.crops:
        raise UserError(
            "INPUT.CROP is on; an exported file takes images of one size, without a crop"
        )
    if output.suffix == ".onnx":
        for package in _ONNX_PACKAGES:
            require(package, "export to ONNX")
    write, run = {".onnx": (_write_onnx, _run_onnx), ".pt2": (_write_pt2, _run_pt2)}[output.suffix]
    with whole_file(output) as temporary:
        try:
            with _quiet():
                write(embedder, temporary)
        except OSError:
            raise
        except Exception as error:  # of many kinds, with messages of many lines
            reason = (str(error).strip().splitlines() or [""])[0]
            raise UserError(
                f"{embedder.name} cannot be exported ({type(error).__name__}: {reason[:160]})"
            ) from error
        difference = _compare(embedder, run(temporary))
        if not difference <= TOLERANCE:
            raise UserError(
                f"{output}: features differ by {difference:.1e} from PyTorch's (allowed: "
                f"{TOLERANCE:.0e}); nothing was written"
            )
    return difference


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporters, which log their internals."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _write_onnx(embedder: Embedder, path: Path) -> None:
    import onnx

    program = torch.onnx.export(
        embedder.model,
        (_images(embedder, 2),),
        dynamo=True,
        dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
        input_names=["images"],
        output_names=["features"],
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    model = program.model_proto
    onnx.helper.set_model_props(model, describe_input(embedder))
    onnx.save(model, path)


def _run_onnx(path: Path) -> Runner:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["features"], {"images": images})[0]


def _write_pt2(embedder: Embedder, path: Path) -> None:
    program = torch.export.export(
        embedder.model,
        (_images(embedder, 2),),
        dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
    )
    with open(path, "wb") as file:
        extra = {METADATA_FILE: json.dumps(describe_input(embedder), indent=2)}
        torch.export.save(program, file, extra_files=extra)


def _run_pt2(path: Path) -> Runner:
    with open(path, "rb") as file:
        module = torch.export.load(file).module()
    return lambda images: module(torch.from_numpy(images)).numpy()


def _images(embedder: Embedder, number: int) -> torch.Tensor:
    """Return noise (number, 3, H, W), uint8, always the same."""
    rng = torch.Generator().manual_seed(number)
    shape = (number, 3, *embedder.image_size)
    return torch.randint(256, shape, dtype=torch.uint8, generator=rng)


@torch.no_grad()
def _compare(embedder: Embedder, run: Runner) -> float:
    differences = []
    for number in _BATCHES:
        images = _images(embedder, number)
        expected = embedder.model(images).numpy()
        differences.append(float(np.abs(run(images.numpy()) - expected).max()))
    return max(differences)

"""JPEG decoders in turn on one core: how fast they read files, and whether pixels are Pillow's."""

from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np
from PIL import Image

from benchmarks.measuring import Comparison, Way, compare

Decoder = Callable[[str], np.ndarray]


def compare_decoders(paths: Sequence[str], rounds: int) -> Comparison:
    """Time the decoders on the same files; Pillow, which the package uses, is first."""
    decoders = {"Pillow": _pillow, "OpenCV": _opencv}
    table = compare(
        [Way(name=name, run=partial(_decode_all, one, paths)) for name, one in decoders.items()],
        title=f"Decoding {len(paths)} JPEG files, one core",
        unit="images",
        work=len(paths),
        rounds=rounds,
    )
    for name, decode in list(decoders.items())[1:]:
        equal = sum(np.array_equal(decode(path), _pillow(path)) for path in paths)
        table.notes.append(f"{name}: {equal} of {len(paths)} images have Pillow's pixels.")
    return table


def _decode_all(decode: Decoder, paths: Sequence[str]) -> None:
    for path in paths:
        decode(path)


def _pillow(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _opencv(path: str) -> np.ndarray:
    return cv2.cvtColor(np.asarray(cv2.imread(path)), cv2.COLOR_BGR2RGB)

"""What a person looks like, in a few numbers: histograms of color by part, without weights.

A signature is an array (R, D): one row per part of the body, each of length 1, so that the inner
product of two rows is their similarity (of histograms, the Bhattacharyya coefficient). A part that
is not seen is a row of zeros. The feature of an embedder is a signature of one row. Cells are
compared by their clothes, because a head looks different from behind; identities by all parts.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from ..posing.skeletons import Pose
from .quality import person_mask
from .regions import NUM_CLOTHES, body_parts

_BINS = (6, 10, 10)  # of L, a and b of CIELAB
_LOW, _HIGH = (0, 78, 78), (256, 178, 178)  # of 8-bit CIELAB, in which grey has a = b = 128
_SMOOTHING = (1.0, 2.0, 1.0)  # over neighboring bins: a color at their border counts in both
_MIN_PIXELS = 20  # of a part that counts as seen
_STORED = np.dtype("<f2")


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """The signature of an identity as a record keeps it.

    Attributes:
        parts: R, its number of rows.
        data: its numbers, float16 in base64.
        within: median similarity of the clothes of the identity's good cells to it, -1..1.
    """

    parts: int
    data: str
    within: float

    @classmethod
    def of(cls, cells: np.ndarray) -> Appearance:
        """Summarize the signatures (N, R, D) of an identity's good cells, at least one."""
        signature = median_signature(cells)
        close = same_clothes(cells, signature)
        return cls(
            parts=len(signature),
            data=base64.b64encode(signature.astype(_STORED).tobytes()).decode(),
            within=round(float(np.median(close)), 4),
        )

    def signature(self) -> np.ndarray:
        """Return the signature, (R, D) float32, as rounded for the record.

        Raises:
            ValueError: the data is damaged.
        """
        numbers = np.frombuffer(base64.b64decode(self.data, validate=True), _STORED)
        return numbers.reshape(self.parts, -1).astype(np.float32)


def color_signature(person: np.ndarray, alpha: np.ndarray, pose: Pose) -> np.ndarray:
    """Describe the person of one cell.

    Args:
        person: (h, w, 3) uint8.
        alpha: (h, w) uint8, 0 = background, 255 = person.
        pose: the skeleton that the cell was drawn from.

    Returns:
        (4, 600) float32: torso, legs, head and feet.
    """
    lab = cv2.cvtColor(np.ascontiguousarray(person), cv2.COLOR_RGB2LAB)
    lab = np.clip(lab, _LOW, np.subtract(_HIGH, 1)).astype(np.uint8)  # the rare, very vivid colors
    mask = person_mask(alpha)
    return np.stack([_histogram(lab, mask & part) for part in body_parts(pose, *alpha.shape)])


def _histogram(lab: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(600,) float32 of length 1: roots of the colors' shares; zeros if too little is seen."""
    if cv2.countNonZero(mask) < _MIN_PIXELS:
        return np.zeros(int(np.prod(_BINS)), np.float32)
    ranges = [edge for pair in zip(_LOW, _HIGH, strict=True) for edge in pair]
    counts = cv2.calcHist([lab], [0, 1, 2], mask, list(_BINS), ranges)
    for axis in range(counts.ndim):
        counts = _smooth(counts, axis)
    return np.sqrt(counts.ravel() / max(float(counts.sum()), 1e-12))


def _smooth(counts: np.ndarray, axis: int) -> np.ndarray:
    padded = np.pad(counts, [(int(each == axis),) * 2 for each in range(counts.ndim)])
    size = counts.shape[axis]
    shifted = [padded.take(range(start, start + size), axis) for start in range(len(_SMOOTHING))]
    return np.tensordot(np.array(_SMOOTHING, np.float32), np.stack(shifted), 1)


def median_signature(signatures: np.ndarray) -> np.ndarray:
    """Return the median of the cells of one identity, (R, D) float32, over those that show a part.

    Args:
        signatures: (N, R, D), at least one.
    """
    median = np.zeros(signatures.shape[1:], np.float32)
    for part, row in enumerate(median):
        seen = signatures[signatures[:, part].any(axis=1), part]
        if len(seen):
            row[:] = np.median(seen, axis=0)
            row /= max(float(np.linalg.norm(row)), 1e-12)
    return median


def same_clothes(cells: np.ndarray, signature: np.ndarray) -> np.ndarray:
    """Return the similarity (N,) of the clothes of cells (N, R, D) to a signature (R, D)."""
    return similarities(cells[:, :NUM_CLOTHES], signature[None, :NUM_CLOTHES])[:, 0]


def similarities(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compare signatures by the part in which they differ most.

    Args:
        some: (M, R, D).
        others: (N, R, D).

    Returns:
        (M, N) float32 in -1..1; 1 if no part is seen in both.
    """
    smallest = np.full((len(some), len(others)), 1.0, np.float32)
    for part in range(some.shape[1]):
        mine, theirs = some[:, part], others[:, part]
        seen = np.logical_and.outer(mine.any(axis=1), theirs.any(axis=1))
        np.minimum(smallest, np.where(seen, mine @ theirs.T, 1.0), out=smallest)
    return smallest

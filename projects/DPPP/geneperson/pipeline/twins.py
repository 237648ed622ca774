"""Identities that look like an earlier one, in the order of the candidates.

What a candidate looks like is in its record, and twins are found when the records are read in their
order. So a build finds the same twins however often it was stopped, and whoever drew them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compositing.gate import PictureRules
from ..compositing.regions import NUM_CLOTHES
from ..compositing.signatures import similarities
from .staging import Record

TWIN = "twin of another identity"
_BLOCK = 256  # identities compared with all others at once


class TwinCheck:
    """Remembers the accepted identities and judges the next candidate by them.

    Args:
        rules: whether twins are rejected, and from which similarity two are twins.
    """

    def __init__(self, rules: PictureRules) -> None:
        self._is_on = rules.twins == "reject"
        self._limit = rules.twin_similarity
        self._accepted: list[np.ndarray] = []

    def judge(self, record: Record) -> Record:
        """Return the next candidate; without images if it looks like an earlier identity."""
        if not self._is_on or not record.images or record.appearance is None:
            return record
        signature = record.appearance.signature()
        if self._accepted:
            closest = similarities(signature[None], np.stack(self._accepted)).max()
            if closest >= self._limit:
                return record.rejected_for(TWIN)
        self._accepted.append(signature)
        return record


def describe_likeness(accepted: Sequence[Record], rules: PictureRules) -> dict[str, Any]:
    """Return what ``dataset.json`` says of the likeness of cells and identities.

    Args:
        accepted: in the order of their pids.
        rules: those of the build.

    Returns:
        Under "likeness", by clothes: the median similarity of a cell to its own identity
        ("within"), of an identity to the most similar other one ("nearest_other") and the largest
        of those ("nearest_other_max"); if twins are kept, the pairs of their pids, by all parts
        ("twins"). Empty if the build recorded no signatures, or has a single identity.
    """
    appearances = [record.appearance for record in accepted if record.appearance is not None]
    if len(appearances) < max(2, len(accepted)):
        return {}
    signatures = np.stack([appearance.signature() for appearance in appearances])
    closest = [close for _, close in nearest_others(signatures[:, :NUM_CLOTHES])]
    likeness: dict[str, Any] = {
        "within": round(float(np.median([each.within for each in appearances])), 4),
        "nearest_other": round(float(np.median(closest)), 4),
        "nearest_other_max": max(closest),
    }
    if rules.twins == "keep":
        pairs = {
            (min(pid, other + 1), max(pid, other + 1))
            for pid, (other, close) in enumerate(nearest_others(signatures), start=1)
            if close >= rules.twin_similarity
        }
        likeness["twins"] = [list(pair) for pair in sorted(pairs)]
    return {"likeness": likeness}


def nearest_others(signatures: np.ndarray) -> list[tuple[int, float]]:
    """Find for each identity the one that looks most like it.

    Args:
        signatures: (N, R, D), of at least two identities.

    Returns:
        Its position and the similarity, -1..1, for each.
    """
    nearest = []
    for start in range(0, len(signatures), _BLOCK):
        alike = similarities(signatures[start : start + _BLOCK], signatures)
        for own, row in enumerate(alike, start=start):
            row[own] = -np.inf
            position = int(row.argmax())
            nearest.append((position, round(float(row[position]), 4)))
    return nearest

"""Identities that look like an earlier one, in the order of the candidates.

The signature of each candidate is in its record, rounded as it is compared, so a resumed build
finds the same twins, and so does one with any number of workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from typing_extensions import Self

from ..compositing.gate import PictureRules
from ..compositing.regions import NUM_CLOTHES
from ..compositing.signatures import Appearance, similarities
from .staging import Record

TWIN = "twin of another identity"
_BLOCK = 256  # identities compared with all others at once


class Looked(Protocol):
    """A candidate at any step after the gate."""

    @property
    def index(self) -> int:
        """Its number."""

    @property
    def appearance(self) -> Appearance | None:
        """What its good cells show; None if it was rejected."""

    def rejected_for(self, reason: str) -> Self:
        """Return it without its good cells."""


T = TypeVar("T", bound=Looked)


class TwinCheck:
    """Remembers the accepted identities and judges the next candidate by them.

    Args:
        rules: whether twins are rejected, and from which similarity two are twins.
        staged: the candidates that are on disk already.
    """

    def __init__(self, rules: PictureRules, staged: Iterable[Record]) -> None:
        self._is_on = rules.twins == "reject"
        self._limit = rules.twin_similarity
        self._accepted: dict[int, np.ndarray] = {}
        if self._is_on:
            for record in staged:
                if record.images and record.appearance is not None:
                    self._accepted[record.index] = record.appearance.signature()

    def pass_on(self, candidates: Iterable[T]) -> Iterator[T]:
        """Yield candidates in order; one that looks like an earlier identity is rejected."""
        for candidate in candidates:
            if not self._is_on or candidate.appearance is None:
                yield candidate
                continue
            signature = candidate.appearance.signature()
            earlier = [known for index, known in self._accepted.items() if index < candidate.index]
            if earlier and similarities(signature[None], np.stack(earlier)).max() >= self._limit:
                yield candidate.rejected_for(TWIN)
            else:
                self._accepted[candidate.index] = signature
                yield candidate


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

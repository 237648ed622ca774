"""The protocol every way of drawing people and backgrounds follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from ..prompting.prompts import Identity


@dataclass
class Characters:
    """One identity in every cell of the canvas.

    Attributes:
        image: (H, W, 3) uint8 canvas, the person on a plain background.
        alpha: (H, W) uint8 coverage of the person, 0..255; None if matting has yet to find it.
    """

    image: np.ndarray
    alpha: np.ndarray | None


class Synthesizer(Protocol):
    """Draws identities and backgrounds; equal arguments give equal bytes, in any order of calls.

    Attributes:
        batch_size: identities that are best drawn in one call.
    """

    batch_size: int

    def characters(self, identities: Sequence[Identity]) -> list[Characters]:
        """One canvas an identity, independent of which others share the call."""

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """(h, w, 3) uint8: picture number `index` of a scene, lit by the named lighting."""

    def models(self) -> dict[str, dict[str, str]]:
        """Name, revision and licence of each model in use, for the provenance of a data set."""

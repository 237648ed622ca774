"""What the parts of one person share while they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .atlas import Atlas
from .physique import Build


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person.

    Attributes:
        words: attribute name -> word, from the prompt.
        build: proportions of the body.
        skin: (3,) float32 RGB 0..255.
        rng: source of every free choice; each part draws from it in turn.
        atlas: where the parts put their textures.
    """

    words: Mapping[str, str]
    build: Build
    skin: np.ndarray
    rng: np.random.Generator
    atlas: Atlas

    @property
    def woman(self) -> bool:
        """Whether the prompt's word for the gender is not "man"."""
        return self.words["gender"] != "man"

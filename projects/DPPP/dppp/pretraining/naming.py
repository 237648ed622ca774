"""Naming words without texts: one linear layer an attribute, on v_g.

It teaches the visual encoder all that there is to see in each image, of which a caption names a
part. Alone, it is a probe: what it reaches on held-out people is the ceiling for what
captions can teach the encoder from the same images.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from open_clip import CLIP
from torch import Tensor, nn

from ..modeling.clip import create_clip
from .encoders import image_features
from .facts import Fact
from .objective import Objective
from .pairs import Pair, Pairs
from .pixels import PixelStatistics
from .zero_shot import accuracy, embed_images, word_of


class Naming(Objective):
    """The linear layers.

    Args:
        model_name: open_clip's name of the model.
        words: attribute -> the words to choose among; every image has one of them.
    """

    def __init__(self, model_name: str, words: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        width = create_clip(model_name).visual.output_dim
        self._words = {name: list(known) for name, known in words.items()}
        self.heads = nn.ModuleDict(
            {name: nn.Linear(width, len(known)) for name, known in words.items()}
        )

    def forward(
        self, model: CLIP, pixels: Tensor, pairs: Sequence[Pair], rng: np.random.Generator
    ) -> Tensor:
        """Return ``loss`` of a batch; pixels are normalized, (B, 3, H, W)."""
        return self.loss(image_features(model, pixels), pairs)

    def loss(self, features: Tensor, pairs: Sequence[Pair]) -> Tensor:
        """Return the mean of all attributes' cross-entropies; features are (B, d1)."""
        losses = []
        for name, head in self.heads.items():
            numbers = torch.tensor([self._number(name, pair.facts) for pair in pairs])
            losses.append(F.cross_entropy(head(features).float(), numbers.to(features.device)))
        return torch.stack(losses).mean()

    def _number(self, name: str, facts: frozenset[Fact]) -> int:
        return next(self._words[name].index(word) for known, word in facts if known == name)

    @torch.no_grad()
    def measure(self, model: CLIP, pairs: Pairs, statistics: PixelStatistics) -> dict[str, Any]:
        """Return, by attribute, the ``accuracy`` on images, and ``chance``; percentages."""
        features = embed_images(model, pairs, statistics)
        return {
            name: accuracy(
                head(features).argmax(dim=1).tolist(),
                [self._words[name].index(word_of(pairs, i, name)) for i in range(len(pairs))],
                len(self._words[name]),
            )
            for name, head in self.heads.items()
        }

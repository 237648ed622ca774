"""What the loop asks of that which it trains for."""

from collections.abc import Sequence

import numpy as np
from open_clip import CLIP
from torch import Tensor, nn

from .pairs import Pair


class Objective(nn.Module):
    """A loss of a batch of pairs, with weights of its own that are trained too."""

    def reset(self) -> None:
        """Draw its weights anew, from torch's random numbers."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.reset_parameters()

    def forward(
        self, model: CLIP, pixels: Tensor, pairs: Sequence[Pair], rng: np.random.Generator
    ) -> Tensor:
        """Return the loss, a scalar.

        Args:
            model: what is trained.
            pixels: normalized images (B, 3, H, W).
            pairs: the same images.
            rng: source of every choice.
        """
        raise NotImplementedError

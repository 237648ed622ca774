"""What the loop asks of that which it trains for."""

from collections.abc import Sequence

from open_clip import CLIP
from torch import Tensor, nn

from .pairs import Pair


class Objective(nn.Module):
    """A loss of a batch of pairs, with weights of its own that are trained too.

    Attributes:
        num_near_misses: of each caption, that the pairs have to bring.
    """

    num_near_misses = 0

    def reset(self) -> None:
        """Draw its weights anew, from torch's random numbers."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.reset_parameters()

    def forward(self, model: CLIP, pixels: Tensor, pairs: Sequence[Pair]) -> Tensor:
        """Return the loss, a scalar; pixels are normalised, (B, 3, H, W)."""
        raise NotImplementedError

"""What models around two CLIP towers share."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .attention import roll_out
from .clip import CLIPTowers
from .instance_norm import instance_normalize
from .interface import ReIDModel


class CLIPModel(ReIDModel):
    """The towers, the normalization of their pixels, and where they look.

    Args:
        towers: the CLIP model.
        pixel_mean, pixel_std: of the three channels, 0..255.
        instance_norm: normalize by each image's own mean and standard deviation instead.
    """

    def __init__(
        self,
        towers: CLIPTowers,
        pixel_mean: Sequence[float],
        pixel_std: Sequence[float],
        *,
        instance_norm: bool = False,
    ) -> None:
        super().__init__()
        self.towers = towers
        self.instance_norm = instance_norm
        for name, values in (("pixel_mean", pixel_mean), ("pixel_std", pixel_std)):
            self.register_buffer(name, torch.tensor(values).view(1, -1, 1, 1), persistent=False)

    def normalize(self, images: Tensor) -> Tensor:
        """Return normalized pixels, a new tensor."""
        if self.instance_norm:
            return instance_normalize(images)
        return (images - self.pixel_mean) / self.pixel_std

    def named_parts(self) -> list[tuple[str, nn.Module]]:
        """Return the parts whose numbers of parameters are logged, the two towers apart."""
        towers = [(f"towers.{name}", part) for name, part in self.towers.named_children()]
        return towers + [part for part in self.named_children() if part[0] != "towers"]

    def attention_maps(self, images: Tensor) -> Tensor:
        """Return the share of each patch in the feature (B, grid height, grid width), 0..1."""
        return roll_out(self.towers.visual, self.normalize(images))

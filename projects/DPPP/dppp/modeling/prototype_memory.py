"""A prototype of each training identity: where it starts, the contrast with it, and how it moves.

| letter | meaning |
| ------ | ------- |
| B      | images of the batch |
| N      | training identities |
| d      | width of a feature |

DSM-CLIP (github.com/xty-11/DSM-CLIP) starts such a memory from text features that it has learned of
the identities, and moves it by image features with momentum 0.2.
"""

import torch
import torch.nn.functional as F
from fastreid.config import CfgNode
from torch import Tensor, nn

from ..losses import prototype_loss


class PrototypeMemory(nn.Module):
    """Contrast of images with all identities, of which a batch holds only a few.

    Attributes:
        prototypes: (N, d) of length 1, part of the state; zeros while an identity is not known.

    Args:
        num_classes: N.
        feature_dim: d.
        momentum: share of a prototype that an image of it leaves, in [0, 1).
        temperature: tau.
    """

    prototypes: Tensor

    def __init__(
        self, num_classes: int, feature_dim: int, *, momentum: float, temperature: float
    ) -> None:
        super().__init__()
        self.register_buffer("prototypes", torch.zeros(num_classes, feature_dim))
        self._momentum, self._temperature = momentum, temperature

    @classmethod
    def from_config(cls, cfg: CfgNode, feature_dim: int) -> "PrototypeMemory | None":
        """Return what MODEL.LOSSES.PROTOTYPE asks for; None if it is off or nothing is trained."""
        settings, num_classes = cfg.MODEL.LOSSES.PROTOTYPE, cfg.MODEL.HEADS.NUM_CLASSES
        if not settings.SCALE or not num_classes:
            return None
        return cls(
            num_classes,
            feature_dim,
            momentum=settings.MOMENTUM,
            temperature=settings.TEMPERATURE,
        )

    @property
    def is_empty(self) -> bool:
        """Whether no identity is known; the device is waited for."""
        return not self.prototypes.any()

    def start(self, features: Tensor) -> None:
        """Start all prototypes from features (N, d) of any scale."""
        self.prototypes.copy_(F.normalize(features, dim=1))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch, and move the prototypes of its identities.

        An identity that is not known starts from its images in the batch.

        Args:
            features: (B, d) of all processes, any scale.
            labels: (B,), integers in [0, N).
        """
        with torch.autocast(features.device.type, enabled=False):
            means = self._means(features.detach().float(), labels)
            seen, known = means.any(dim=1), self.prototypes.any(dim=1)
            # A new tensor: the loss keeps it for the gradient, and the buffer changes below.
            present = torch.where((seen & ~known)[:, None], means, self.prototypes)
            loss = prototype_loss(features, present, labels, self._temperature)
            moved = F.normalize(self._momentum * present + (1 - self._momentum) * means, dim=1)
            self.prototypes.copy_(torch.where(seen[:, None], moved, present))
        return loss

    def _means(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the mean direction (N, d) of each identity's images; zeros where there is none.

        By a product, not by the identities that occur: their number would have to be waited for.
        """
        identities = torch.arange(len(self.prototypes), device=labels.device)
        belongs = (identities[:, None] == labels[None, :]).float()  # (N, B)
        return F.normalize(belongs @ F.normalize(features, dim=1), dim=1)

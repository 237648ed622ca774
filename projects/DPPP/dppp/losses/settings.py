"""Which loss terms are on, and what each is multiplied by."""

from dataclasses import dataclass

from fastreid.config import CfgNode
from torch import Tensor

from .identity import identity_loss
from .triplet import image_triplet_loss


@dataclass(frozen=True)
class LossSettings:
    """The loss terms of a run.

    Attributes:
        names: the terms that are on, from ``config.LOSSES``.
        weights: term of ``CLIPDPPP.forward`` -> what it is multiplied by.
        label_smoothing: of the identity losses (Eq. 12).
        triplet: ``margin`` (alpha), ``normalize``, ``hard_mining`` of the image triplets (Eq. 11).
        text_margin: delta of Eq. 9.
    """

    names: tuple[str, ...]
    weights: dict[str, float]
    label_smoothing: float
    triplet: dict[str, float | bool]
    text_margin: float

    @classmethod
    def from_config(cls, cfg: CfgNode) -> "LossSettings":
        dppp, ce, tri = cfg.MODEL.DPPP, cfg.MODEL.LOSSES.CE, cfg.MODEL.LOSSES.TRI
        return cls(
            names=tuple(dppp.LOSSES),
            weights={
                "loss_l1_id": ce.SCALE,
                "loss_l1_tri": tri.SCALE,
                "loss_l1_supcon": dppp.LOSS_WEIGHTS.L1_SUPCON,
                "loss_tri_txt": dppp.LOSS_WEIGHTS.TRI_TXT,
                "loss_l2_id": ce.SCALE,
                "loss_l2_tri": tri.SCALE,
                "loss_l2_supcon": dppp.LOSS_WEIGHTS.L2_SUPCON,
            },
            label_smoothing=ce.EPSILON,
            triplet={
                "margin": tri.MARGIN,
                "normalize": tri.NORM_FEAT,
                "hard_mining": tri.HARD_MINING,
            },
            text_margin=dppp.TEXT_TRIPLET.MARGIN,
        )

    def identity(self, logits: list[Tensor], labels: Tensor) -> Tensor:
        """Eq. 12, summed over classifiers."""
        return sum(identity_loss(one, labels, self.label_smoothing) for one in logits)

    def image_triplet(self, features: list[Tensor], labels: Tensor) -> Tensor:
        """Eq. 11, summed over features."""
        return sum(image_triplet_loss(one, labels, **self.triplet) for one in features)

    def weighted(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each term times its weight."""
        return {name: self.weights[name] * value for name, value in terms.items()}

"""Which loss terms are on, and what each is multiplied by."""

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from fastreid.config import CfgNode
from torch import Tensor

from .identity import adaptive_identity_loss, identity_loss
from .triplet import image_triplet_loss

ADAPTIVE = -1.0  # MODEL.LOSSES.CE.EPSILON


@dataclass(frozen=True, kw_only=True)
class LossSettings:
    """The loss terms of a run.

    Attributes:
        names: the terms that are on, from ``defaults.LOSSES``.
        weights: name of a returned loss -> what it is multiplied by.
        label_smoothing: of the identity losses (Eq. 12); ADAPTIVE for FastReID's adaptive one.
        smoothing_alpha: of the adaptive one.
        margin: alpha of the image triplets (Eq. 11).
        normalize: whether they compare normalized features.
        hard_mining: whether they take the hardest pair of each anchor only.
        text_margin: delta of Eq. 9.
    """

    names: tuple[str, ...]
    weights: dict[str, float]
    label_smoothing: float
    smoothing_alpha: float
    margin: float
    normalize: bool
    hard_mining: bool
    text_margin: float

    @classmethod
    def from_config(cls, cfg: CfgNode) -> "LossSettings":
        """Read MODEL.LOSSES and MODEL.DPPP."""
        dppp, ce, tri = cfg.MODEL.DPPP, cfg.MODEL.LOSSES.CE, cfg.MODEL.LOSSES.TRI
        return cls(
            names=tuple(dppp.LOSSES),
            weights={
                "loss_l1_id": ce.SCALE,
                "loss_l1_tri": tri.SCALE,
                "loss_l1_supcon": dppp.LOSS_WEIGHTS.L1_SUPCON,
                "loss_tri_txt": dppp.LOSS_WEIGHTS.TRI_TXT,
                "loss_l1_prototype": cfg.MODEL.LOSSES.PROTOTYPE.SCALE,
                "loss_l2_id": ce.SCALE,
                "loss_l2_tri": tri.SCALE,
                "loss_l2_supcon": dppp.LOSS_WEIGHTS.L2_SUPCON,
            },
            label_smoothing=ce.EPSILON,
            smoothing_alpha=ce.ALPHA,
            margin=tri.MARGIN,
            normalize=tri.NORM_FEAT,
            hard_mining=tri.HARD_MINING,
            text_margin=dppp.TEXT_TRIPLET.MARGIN,
        )

    def identity(self, logits: Iterable[Tensor], labels: Tensor) -> Tensor:
        """Return Eq. 12, summed over the logits of several classifiers."""
        if self.label_smoothing == ADAPTIVE:
            return _sum(adaptive_identity_loss(x, labels, self.smoothing_alpha) for x in logits)
        return _sum(identity_loss(x, labels, self.label_smoothing) for x in logits)

    def image_triplet(self, features: Iterable[Tensor], labels: Tensor) -> Tensor:
        """Return Eq. 11, summed over several features of the images."""
        return _sum(
            image_triplet_loss(
                x,
                labels,
                margin=self.margin,
                normalize=self.normalize,
                hard_mining=self.hard_mining,
            )
            for x in features
        )

    def weighted(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return each term times its weight."""
        return {name: self.weights[name] * value for name, value in terms.items()}


def _sum(terms: Iterable[Tensor]) -> Tensor:
    return reduce(operator.add, terms)

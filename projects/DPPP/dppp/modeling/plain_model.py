"""What FastReID's own meta-architectures get on top of what they are."""

from typing import Any

import torch
from fastreid.config import CfgNode
from fastreid.modeling.heads import EmbeddingHead
from torch import Tensor

from .fastreid_keys import ignored_by_plain_models
from .global_batch import gather_batch
from .instance_norm import instance_normalize
from .interface import ReIDModel
from .prototype_memory import PrototypeMemory


class PlainModel(ReIDModel):
    """The plain answers, and a copy of the images.

    FastReID's models normalize their images in place. TEST.FLIP, which calls a model twice with one
    batch, would otherwise normalize it twice.
    """

    def __init__(self, cfg: CfgNode) -> None:
        instance_norm = cfg.INPUT.INSTANCE_NORM
        if instance_norm:  # ``forward`` does it; the model's own normalization then does nothing
            cfg = cfg.clone()
            cfg.defrost()
            cfg.MODEL.PIXEL_MEAN, cfg.MODEL.PIXEL_STD = [0.0] * 3, [1.0] * 3
        super().__init__(cfg)
        self.instance_norm = instance_norm

    @classmethod
    def ignored_keys(cls, cfg: CfgNode) -> list[str]:
        """Return those of our keys that were set and are not read here."""
        return ignored_by_plain_models(cfg)

    def forward(self, batch: dict | Tensor) -> dict[str, Tensor] | Tensor:
        """Run the model on a copy of its images, which INPUT.INSTANCE_NORM normalizes."""
        if isinstance(batch, Tensor):
            return super().forward(self._copy(batch))
        return super().forward({**batch, "images": self._copy(batch["images"])})

    def _copy(self, images: Tensor) -> Tensor:
        return instance_normalize(images) if self.instance_norm else images.clone()


class ModelWithLosses(PlainModel):
    """The same for a model that has FastReID's heads and a method ``losses``, as its own have.

    It adds MODEL.LOSSES.PROTOTYPE, on the features that FastReID's triplet loss compares.
    """

    def __init__(self, cfg: CfgNode) -> None:
        super().__init__(cfg)
        heads = [part for part in self.modules() if isinstance(part, EmbeddingHead)]
        self.has_prototypes = bool(heads)
        width = sum(_width(head, cfg) for head in heads)
        self.prototype_memory = PrototypeMemory.from_config(cfg, width)
        self.loss_weights = {"loss_prototype": cfg.MODEL.LOSSES.PROTOTYPE.SCALE}

    def losses(self, *outputs: Any) -> dict[str, Tensor]:
        """Return the model's losses and that of the prototypes.

        Args:
            outputs: of each head in turn (MGN has eight), whatever else the model gives its losses,
                and the labels (B,).
        """
        terms = super().losses(*outputs)  # type: ignore[misc]  # of FastReID's class
        if self.prototype_memory is not None:
            features = [one["features"] for one in outputs if isinstance(one, dict)]
            batch = gather_batch(torch.cat(features, dim=1)), gather_batch(outputs[-1])
            weight = self.loss_weights["loss_prototype"]
            terms["loss_prototype"] = weight * self.prototype_memory(*batch)
        return terms


def _width(head: EmbeddingHead, cfg: CfgNode) -> int:
    """Return the width of the features that a head gives in training."""
    return cfg.MODEL.BACKBONE.FEAT_DIM if head.neck_feat == "before" else head.weight.shape[1]

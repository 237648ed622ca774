"""The losses of Eqs. 6-9, 11, 12 and 15, and prototype contrast, as plain functions."""

from .identity import adaptive_identity_loss, identity_loss
from .prototype import prototype_loss
from .settings import LossSettings
from .supcon import match_share, supcon_loss
from .triplet import image_triplet_loss, text_triplet_loss

__all__ = [
    "LossSettings",
    "adaptive_identity_loss",
    "identity_loss",
    "image_triplet_loss",
    "match_share",
    "prototype_loss",
    "supcon_loss",
    "text_triplet_loss",
]

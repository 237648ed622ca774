"""Pretraining of a small CLIP on generated images and their prompts, and its zero-shot scores."""

from .contrast import Contrast
from .naming import Naming
from .pairs import Pairs, read_pairs
from .pixels import PixelStatistics
from .record import add_ceiling, write_weights
from .training import Recipe, pretrain
from .zero_shot import ASKED, measure_zero_shot

__all__ = [
    "ASKED",
    "Contrast",
    "Naming",
    "Pairs",
    "PixelStatistics",
    "Recipe",
    "add_ceiling",
    "measure_zero_shot",
    "pretrain",
    "read_pairs",
    "write_weights",
]

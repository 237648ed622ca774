"""Pretraining of a small CLIP on generated images and their prompts, and its zero-shot scores."""

from .pairs import Pairs, read_pairs
from .record import write_weights
from .training import Recipe, pretrain
from .zero_shot import measure_zero_shot

__all__ = ["Pairs", "Recipe", "measure_zero_shot", "pretrain", "read_pairs", "write_weights"]

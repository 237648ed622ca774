"""Training a small CLIP on generated images and their prompts, and measuring what it knows."""

from .pairs import Pairs, read_pairs
from .record import write_weights
from .training import Recipe, pretrain
from .zero_shot import measure

__all__ = ["Pairs", "Recipe", "measure", "pretrain", "read_pairs", "write_weights"]

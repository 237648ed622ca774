"""One training loop for two phases, on FastReID's hooks and writers."""

from .evaluate import evaluate
from .setup import load_config, prepare
from .trainer import DPPPTrainer

__all__ = ["DPPPTrainer", "evaluate", "load_config", "prepare"]

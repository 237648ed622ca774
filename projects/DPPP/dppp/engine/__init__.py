"""One training loop for two phases, on FastReID's hooks and writers."""

from .distributed import launch
from .evaluate import evaluate
from .setup import prepare
from .trainer import DPPPTrainer

__all__ = ["DPPPTrainer", "evaluate", "launch", "prepare"]

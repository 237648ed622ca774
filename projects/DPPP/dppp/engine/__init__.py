"""One training loop for any model and its phases, on FastReID's hooks and writers."""

from .distributed import launch
from .setup import prepare
from .testing import evaluate
from .trainer import DPPPTrainer

__all__ = ["DPPPTrainer", "evaluate", "launch", "prepare"]

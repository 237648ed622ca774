"""Stage 1: virtual pedestrians from text. Builds, checks and describes GenePerson data sets."""

from .config import get_cfg, load
from .errors import UserError
from .pipeline import build
from .verify import verify
from .version import __version__

__all__ = ["UserError", "__version__", "build", "get_cfg", "load", "verify"]

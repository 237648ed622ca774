"""Stage 1: virtual pedestrians from text. Builds, checks and describes GenePerson data sets."""

from .config import get_cfg, load
from .dataset.verify import verify
from .errors import UserError
from .pipeline.build import build
from .version import __version__

__all__ = ["UserError", "__version__", "build", "get_cfg", "load", "verify"]

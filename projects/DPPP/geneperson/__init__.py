"""Stage 1: virtual pedestrians from text. Builds, checks and describes GenePerson data sets."""

from importlib.metadata import version

__version__ = version("dppp-fastreid")

from .config import get_cfg, load
from .dataset.verify import verify
from .errors import UserError
from .pipeline.build import build

__all__ = ["UserError", "__version__", "build", "get_cfg", "load", "verify"]

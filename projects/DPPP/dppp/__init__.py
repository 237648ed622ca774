"""DPPP on FastReID, stage 2: images on disk -> a person Re-ID model that transfers.

``import dppp`` makes fastreid importable (compat.py) and registers the data sets and the
meta-architecture in FastReID's registries.
"""

from importlib.metadata import version

from .compat import import_fastreid

import_fastreid()

from . import data, modeling  # noqa: E402  only registration
from .defaults import add_dppp_config  # noqa: E402
from .engine import DPPPTrainer  # noqa: E402
from .errors import UserError  # noqa: E402
from .inference import load  # noqa: E402

__version__ = version("dppp-fastreid")
__all__ = ["DPPPTrainer", "UserError", "add_dppp_config", "data", "load", "modeling"]

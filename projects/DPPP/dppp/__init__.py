"""DPPP on FastReID, stage 2: images on disk -> a person Re-ID model that transfers.

``import dppp`` makes fastreid importable (compat.py) and registers the data sets and the
meta-architecture in FastReID's registries.
"""

from importlib.metadata import version

from .collector import paused_collector
from .compat import import_fastreid

with paused_collector():
    import_fastreid()

    from . import data, modeling  # only registration
    from .defaults import add_dppp_config
    from .engine import DPPPTrainer
    from .errors import UserError
    from .inference import load

__version__ = version("dppp-fastreid")
__all__ = ["DPPPTrainer", "UserError", "add_dppp_config", "data", "load", "modeling"]

"""Data sets in FastReID's registry: one file per source, looked up by name in ``catalogue``."""

from . import somaset, virtual  # only registration
from .catalogue import load_dataset
from .geneperson import GenePerson, register_geneperson
from .market_style import MarketStyle, register_market_style

__all__ = [
    "GenePerson",
    "MarketStyle",
    "load_dataset",
    "register_geneperson",
    "register_market_style",
    "somaset",
    "virtual",
]

"""Data sets in FastReID's registry, and loaders for any device."""

from . import somaset, virtual_sources  # only registration
from .geneperson import GenePerson, register_geneperson
from .loaders import build_test_loader, build_train_loader, load_dataset
from .market_style import MarketStyle, register_market_style
from .validate import DatasetReport, describe_dataset

__all__ = [
    "DatasetReport",
    "GenePerson",
    "MarketStyle",
    "build_test_loader",
    "build_train_loader",
    "describe_dataset",
    "load_dataset",
    "register_geneperson",
    "register_market_style",
    "somaset",
    "virtual_sources",
]

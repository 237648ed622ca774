"""Data sets in FastReID's registry, and loaders for any device."""

from .datasets import (
    GenePerson,
    MarketStyle,
    load_dataset,
    register_geneperson,
    register_market_style,
)
from .loaders import build_test_loader, build_train_loader
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
]

"""Data sets in FastReID's registry, and loaders for any device."""

from .geneperson import GenePerson, register_geneperson
from .loaders import build_test_loader, build_train_loader

__all__ = ["GenePerson", "build_test_loader", "build_train_loader", "register_geneperson"]

"""Packages that only some routes need, and how to install one that is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import UserError

INSTALL = 'pip install "dppp-fastreid[generate]"'


def require(module: str, what: str, install: str = INSTALL) -> ModuleType:
    """Import an optional package, or say how to install it.

    Args:
        module: its name.
        what: what needs it, as the subject of the message ("the vocabulary command").
        install: the command that installs it.

    Raises:
        UserError: the package, or one that it needs, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise UserError(f"{what} needs the package {missing}: {install}") from error

"""Packages that only some commands need, and how to install a missing one."""

import importlib
from types import ModuleType

from .errors import UserError

INSTALL = 'pip install "dppp-fastreid[export]"'


def require(module: str, what: str) -> ModuleType:
    """Import an optional package, or say how to install it.

    Args:
        module: name to import.
        what: what needs it, as the subject of the message ("export to ONNX").

    Raises:
        UserError: the package, or one that it needs, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise UserError(f"{what} needs the package {missing}: {INSTALL}") from error

"""Files of weights, read without running code from them."""

import os
from typing import Any

from ..errors import UserError
from ..files import read_torch_file


def require_checkpoint(path: str | os.PathLike) -> None:
    """Raise a UserError unless the file exists."""
    if not os.path.isfile(path):
        raise UserError(f"checkpoint {path}: no such file; train first, or name another")


def read_checkpoint(
    path: str | os.PathLike, *, device: str = "cpu", mmap: bool = False
) -> dict[str, Any]:
    """Return the content of a checkpoint; its weights are under ``model``.

    Args:
        path: of the file.
        device: where the tensors go.
        mmap: whether tensors are read only when they are used.

    Raises:
        UserError: it is missing, cannot be read, or is not a checkpoint of FastReID's kind.
    """
    require_checkpoint(path)
    saved = read_torch_file(path, device, mmap=mmap)
    if not isinstance(saved, dict) or not isinstance(saved.get("model"), dict):
        raise UserError(f"checkpoint {path}: has no 'model'; it was not written by a FastReID run")
    return saved

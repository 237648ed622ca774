"""Files of ``torch.save``, read without running any code of theirs."""

import os
from typing import Any

import torch

from .errors import UserError


def read_torch_file(path: str | os.PathLike, device: str = "cpu", mmap: bool = False) -> Any:
    """What ``torch.save`` wrote.

    Raises:
        UserError: it is damaged, or was written by something else.
        OSError: it is not there, or may not be read.
    """
    try:
        return torch.load(path, map_location=device, weights_only=True, mmap=mmap)
    except OSError:
        raise
    except Exception as error:  # the unpickler raises whatever the bytes lead it to
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"checkpoint {path}: cannot be read ({reason[:120]})") from None

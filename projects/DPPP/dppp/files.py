"""Files written whole, digests of files and tensors, and ``torch.save`` files without pickle."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .errors import UserError


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary name next to ``path``, renamed to ``path`` if the block succeeds.

    Missing parent folders are created. A reader sees the old file or the whole new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # some network file systems cannot open a folder
        _sync(path.parent)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk and survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: str | os.PathLike) -> str:
    """Return the digest of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 24):
            digest.update(block)
    return digest.hexdigest()


def digest_tensors(sha: "hashlib._Hash", tensors: Mapping[str, Tensor]) -> None:
    """Add names and values of tensors to a digest, in the order of their names."""
    for key in sorted(tensors):
        sha.update(key.encode())
        sha.update(tensors[key].cpu().contiguous().numpy().tobytes())


def read_torch_file(path: str | os.PathLike, device: str = "cpu", *, mmap: bool = False) -> Any:
    """Return what ``torch.save`` wrote, loaded with ``weights_only``.

    Args:
        path: the file.
        device: where to put the tensors.
        mmap: map the file into memory instead of reading it.

    Raises:
        UserError: the file is damaged, or was not written by ``torch.save``.
        OSError: the file does not exist, or must not be read.
    """
    try:
        return torch.load(path, map_location=device, weights_only=True, mmap=mmap)
    except OSError:
        raise
    except Exception as error:  # the unpickler raises whatever the bytes lead it to
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"checkpoint {path}: cannot be read ({reason[:120]})") from None

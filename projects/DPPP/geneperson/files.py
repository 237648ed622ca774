"""Files that are whole or missing, never half-written; JSON and digests of their content."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def to_json(content: dict[str, Any]) -> bytes:
    """Encode readable JSON; equal content gives equal bytes."""
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def sha256(content: bytes) -> str:
    """Digest bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write_atomic(path: Path, content: bytes, *, is_shared: bool = False) -> None:
    """Write a file whole or not at all, even if the machine loses power.

    Args:
        path: the file.
        content: what it shall hold.
        is_shared: whether other processes may write the same file at the same time.

    Raises:
        OSError: the file cannot be written; an earlier file of that name is untouched.
    """
    writer = f".{platform.node()}-{os.getpid()}" if is_shared else ""
    temporary = path.with_name(f".{path.name}{writer}.tmp")
    try:
        _write_synced(temporary, content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_folder_atomic(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder of files whole or not at all, even if the machine loses power.

    A kill can leave ``NAME.tmp`` behind.

    Args:
        folder: must not exist.
        files: content by file name.

    Raises:
        OSError: a file cannot be written; nothing is left behind.
    """
    temporary = folder.with_name(f"{folder.name}.tmp")
    try:
        temporary.mkdir()
        for name, content in files.items():
            _write_synced(temporary / name, content)
        sync_folder(temporary)
        os.rename(temporary, folder)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power loss, if the file system can."""
    with contextlib.suppress(OSError):  # some network file systems cannot open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_synced(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

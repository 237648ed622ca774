"""An index in a file beside its gallery: GALLERY.npz -> GALLERY.hnsw.faiss.

The file is FAISS's own, which ``faiss.read_index`` reads, with a tail:

| part   | bytes | meaning |
| ------ | ----- | ------- |
| index  |       | as FAISS writes it |
| tail   |       | JSON: IndexFacts, digest of the features, SHA-256 of the index |
| length | 8     | of the tail, little-endian |
| mark   | 8     | what such a file ends with |
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import whole_file
from .features import Features
from .index import INDEXES, ApproximateIndex, ExactIndex, IndexFacts, build_index

_MARK = b"DPPPfai1"  # another number whenever indexes are built in another way


def open_index(gallery: Features, kind: str) -> ExactIndex | ApproximateIndex:
    """Return an index of a gallery: the one beside its file, or a new one, which is put there.

    A gallery without a file is indexed in memory.

    Args:
        gallery: features, from ``load_features`` or ``extract``.
        kind: one of INDEXES.

    Raises:
        UserError: an unknown kind.
    """
    if kind not in INDEXES:
        raise UserError(f"index is {kind!r}; allowed: {', '.join(INDEXES)}")
    if kind == "exact":
        return ExactIndex(gallery.features)
    if gallery.file is None:
        return ApproximateIndex(gallery.features, *build_index(kind, gallery.features), kind)
    file, digest = gallery.file.with_suffix(f".{kind}.faiss"), _digest(gallery.features)
    reason = ""
    if file.exists():
        saved = _read(file, digest)
        if not isinstance(saved, str):
            return ApproximateIndex(gallery.features, *saved, f"{file}: built earlier")
        reason = f" again, as the file {saved},"
    index, facts = build_index(kind, gallery.features)
    try:
        _write(file, index, facts, digest)
    except (OSError, RuntimeError) as error:  # the latter from FAISS: the disk is full
        reason += f" and not kept ({getattr(error, 'strerror', 'FAISS cannot write it')}),"
    return ApproximateIndex(gallery.features, index, facts, f"{file}: built{reason}")


def _digest(features: np.ndarray) -> str:
    """Digest features (G, d1): their numbers, shape and type."""
    sha = hashlib.sha256(f"{features.dtype} {features.shape} ".encode())
    sha.update(np.ascontiguousarray(features).data)
    return sha.hexdigest()


def _write(file: Path, index: Any, facts: IndexFacts, digest: str) -> None:
    import faiss

    with whole_file(file) as temporary:
        temporary.touch()  # an error of Python's says why it cannot
        faiss.write_index(index, str(temporary))
        content = _sha256(temporary, temporary.stat().st_size)
        tail = json.dumps({**asdict(facts), "features": digest, "sha256": content}).encode()
        with open(temporary, "ab") as end:
            end.write(tail + len(tail).to_bytes(8, "little") + _MARK)


def _read(file: Path, digest: str) -> tuple[Any, IndexFacts] | str:
    """Return the index of a file and its facts, or why it cannot be used."""
    import faiss

    try:
        size, tail = _read_tail(file)
        if tail.pop("features") != digest:
            return "was of other features"
        if tail.pop("sha256") == _sha256(file, size):  # FAISS crashes on some damaged files
            return faiss.read_index(str(file)), IndexFacts(**tail)
    except (ValueError, KeyError, TypeError):
        pass
    return "was damaged"


def _read_tail(file: Path) -> tuple[int, dict[str, Any]]:
    """Return the size of the index and the tail; ValueError if the file does not end in one."""
    with open(file, "rb") as content:
        end = content.seek(0, 2) - 16
        content.seek(max(end, 0))
        length = int.from_bytes(content.read(8), "little")
        if content.read() != _MARK or length > end:
            raise ValueError
        content.seek(end - length)
        return end - length, json.loads(content.read(length))


def _sha256(file: Path, size: int) -> str:
    """Return the digest of the first ``size`` bytes of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(file, "rb") as content:
        while size and (block := content.read(min(size, 1 << 24))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()

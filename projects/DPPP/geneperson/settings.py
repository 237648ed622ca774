"""What a set is made from, as plain JSON, and how two such descriptions differ."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from yacs.config import CfgNode

from .vocabulary import Vocabulary


def describe(cfg: CfgNode, words: Vocabulary) -> dict:
    """Give what decides about a set's content: settings and words.

    A vocabulary file is described by its name and content, because its path says nothing.
    """
    configuration = json.loads(json.dumps(cfg))
    configuration["VOCABULARY"]["FILE"] = Path(cfg.VOCABULARY.FILE).name
    return {"configuration": configuration, "vocabulary_sha256": words.sha256}


def difference(found: dict, wanted: dict, prefix: str = "") -> str | None:
    """Name the first key in which two settings differ; None if they are the same."""
    for key in dict.fromkeys([*wanted, *found]):
        there, here = found.get(key), wanted.get(key)
        name = key if key == "configuration" else f"{prefix}{key}"
        if isinstance(there, dict) and isinstance(here, dict):
            inner = "" if key == "configuration" else f"{name}."
            different = difference(there, here, inner)
            if different:
                return different
        elif there != here:
            return f"{name} {there!r}, not {here!r}"
    return None


def code_digest() -> str:
    """Digest this package's source: one build is never made by two versions of the code."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()

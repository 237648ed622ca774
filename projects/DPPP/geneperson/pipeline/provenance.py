"""What a set is made from, as plain JSON, and how two such descriptions differ."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from yacs.config import CfgNode

from ..files import sha256
from ..model_sources import local_path
from ..prompting.vocabulary import Vocabulary
from ..synthesis import draws_in_workers

_MODEL_KEYS = (
    *("BASE", "VAE", "POSE_CONTROLNET", "EDGE_CONTROLNET", "UNION_CONTROLNET"),
    *("ENHANCEMENT", "LIGHTING", "STYLE", "MODEL"),
)


def describe(cfg: CfgNode, words: Vocabulary) -> dict:
    """Give what decides about a set's content: settings and words.

    Files are described by their name and content, because a path says nothing, and only the
    settings of the route that is taken count. Local models are named here; what is in them is
    recorded when they are loaded.
    """
    configuration = json.loads(json.dumps(cfg))
    description = {"configuration": configuration, "vocabulary_sha256": words.sha256}
    for section in ("VOCABULARY", "POSES"):
        configuration[section]["FILE"] = Path(cfg[section].FILE).name
    if not cfg.IDENTITIES.EXCLUDE:  # sets that are older than the key stay what they are
        del configuration["IDENTITIES"]["EXCLUDE"]
    if cfg.POSES.FILE:
        description["poses_sha256"] = sha256(Path(cfg.POSES.FILE).read_bytes())
    if draws_in_workers(cfg.SYNTHESIS.NAME):
        del configuration["DIFFUSION"], configuration["MATTING"]
    else:
        _shorten_paths(configuration["DIFFUSION"])
        _shorten_paths(configuration["MATTING"])
    return description


def _shorten_paths(section: dict) -> None:
    """Put the last name in the place of each model that is a local path."""
    for key, value in section.items():
        if isinstance(value, dict):
            _shorten_paths(value)
        elif key in _MODEL_KEYS and local_path(value) is not None:
            section[key] = local_path(value).name


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
    folder = Path(__file__).parents[1]  # the whole package
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()

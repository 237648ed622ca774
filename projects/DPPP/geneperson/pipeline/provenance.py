"""What a set is made from, as plain JSON, and how two such descriptions differ."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from yacs.config import CfgNode

from ..files import sha256
from ..model_sources import digest, local_path
from ..prompting.vocabulary import Vocabulary
from ..synthesis import Route, unused_sections

_MODEL_KEYS = (
    *("BASE", "BASE_CONFIG", "VAE", "POSE_CONTROLNET", "EDGE_CONTROLNET", "UNION_CONTROLNET"),
    *("ENHANCEMENT", "LIGHTING", "STYLE", "ACCELERATION", "MODEL"),
)
# What changes only how a build runs.
_HOW = {
    "DIFFUSION": ("DEVICE", "COMPILE", "CPU_OFFLOAD", "VAE_SLICING", "ALLOW_PICKLE"),
    "MATTING": ("PROVIDER", "BATCH_SIZE"),
}
_QUALITY_MODELS = ("EMBEDDER", "POSE_DETECTOR")  # they judge pictures and draw none
_PACKAGE = Path(__file__).parents[1]  # geneperson, with all its sub-packages


def describe(cfg: CfgNode, *, words: Vocabulary, route: Route) -> dict[str, Any]:
    """Return what decides about the content of a set: settings and words.

    What changes only how a build runs is left out. Files are described by name and content, because
    a path says nothing. Sections that only other
    routes read are left out. Local models are named here; their content is recorded when they are
    loaded.
    """
    configuration = json.loads(json.dumps(cfg))
    description = {"configuration": configuration, "vocabulary_sha256": words.sha256}
    for section in ("VOCABULARY", "POSES"):
        configuration[section]["FILE"] = Path(cfg[section].FILE).name
    for key in _QUALITY_MODELS:
        configuration["QUALITY"][key] = Path(cfg.QUALITY[key]).name
        if (path := local_path(cfg.QUALITY[key])) is not None:
            description[f"{key.lower()}_sha256"] = digest(path)
    if cfg.POSES.FILE:
        description["poses_sha256"] = sha256(Path(cfg.POSES.FILE).read_bytes())
    del configuration["KEEP_CANVASES"]
    for section, keys in _HOW.items():
        for key in keys:
            configuration[section].pop(key, None)
    for section in unused_sections(route):
        del configuration[section]
    for section in route.sections:
        _shorten_paths(configuration[section])
    return description


def _shorten_paths(section: dict[str, Any]) -> None:
    """Replace each model that is a local path by the last name in it."""
    for key, value in section.items():
        if isinstance(value, dict):
            _shorten_paths(value)
        elif key in _MODEL_KEYS and (path := local_path(value)) is not None:
            section[key] = path.name


def difference(recorded: dict[str, Any], expected: dict[str, Any], prefix: str = "") -> str | None:
    """Name the first key in which two descriptions differ; None if they are equal."""
    for key in dict.fromkeys([*expected, *recorded]):
        theirs, ours = recorded.get(key), expected.get(key)
        name = key if key == "configuration" else f"{prefix}{key}"
        if isinstance(theirs, dict) and isinstance(ours, dict):
            inner = difference(theirs, ours, "" if key == "configuration" else f"{name}.")
            if inner:
                return inner
        elif theirs != ours:
            return f"{name} {theirs!r}, not {ours!r}"
    return None


def code_digest(package: Path = _PACKAGE) -> str:
    """Digest the source of the package: one build is never made by two versions of the code.

    Args:
        package: folder of the package; every ``.py`` file below it counts.
    """
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()

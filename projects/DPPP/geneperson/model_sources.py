"""Where the weights of a model come from: a repository of the hub, or a local path.

===============================  ==============================================================
``owner/name``                   a repository of the Hugging Face hub
``owner/name@v1.0``              the same at a revision: branch, tag or commit
``owner/name/file.safetensors``  one file of it (LoRAs)
``/models/sdxl``                 whatever exists on the disk is local
===============================  ==============================================================
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .errors import UserError

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(/[\w./-]+)?(@[\w./-]+)?", re.ASCII)
_WEIGHTS = (".safetensors", ".bin", ".pt", ".ckpt", ".json", ".txt", ".onnx")
_MAIN_FILES = (
    "model_index.json",
    "config.json",
    "*.safetensors",
    "*.bin",
)  # every model has one of these
_BLOCK = 1 << 24  # bytes read at a time
UNKNOWN = "unknown: see the model's card"

# As the models' cards state them.
_LICENCES = {
    "stabilityai/stable-diffusion-xl-base-1.0": "CreativeML Open RAIL++-M",
    "madebyollin/sdxl-vae-fp16-fix": "MIT",
    "xinsir/controlnet-openpose-sdxl-1.0": "Apache-2.0",
    "xinsir/controlnet-canny-sdxl-1.0": "Apache-2.0",
    "xinsir/controlnet-union-sdxl-1.0": "Apache-2.0",
    "diffusers/controlnet-canny-sdxl-1.0": "CreativeML Open RAIL++-M",
    "ByteDance/SDXL-Lightning": "CreativeML Open RAIL++-M",
    "latent-consistency/lcm-lora-sdxl": "CreativeML Open RAIL++-M",
    "h1t/TCD-SDXL-LoRA": "MIT",
}


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """One model.

    Attributes:
        location: local path, or ``owner/name`` on the hub.
        file: weight file inside it; empty if the whole folder is the model.
        revision: branch, tag or commit on the hub; None for its default branch.
        is_local: whether ``location`` is a path.
    """

    location: str
    file: str = ""
    revision: str | None = None
    is_local: bool

    def describe(self) -> dict[str, str]:
        """Return name, revision and licence, for the provenance of a data set.

        The revision of a hub model is the commit in the cache (or the revision asked for, if the
        cache has none yet); of a local model, a digest of its files.
        """
        if self.is_local:
            path = Path(self.location) / self.file
            return {
                "name": path.name,
                "revision": f"sha256:{digest(path)}",
                "licence": _card_licence(path),
            }
        name = f"{self.location}/{self.file}".rstrip("/")
        return {
            "name": name,
            "revision": self.cached_commit() or self.revision or "main",
            "licence": _LICENCES.get(self.location, UNKNOWN),
        }

    def cached_commit(self) -> str | None:
        """Find the commit of this model in the hub's local cache; None if it is missing."""
        from huggingface_hub import constants

        folder = Path(constants.HF_HUB_CACHE) / f"models--{self.location.replace('/', '--')}"
        revision = self.revision or "main"
        reference = folder / "refs" / revision  # of a branch or tag; a commit has none
        commit = reference.read_text().strip() if reference.is_file() else revision
        snapshot = folder / "snapshots" / commit
        patterns = [self.file] if self.file else _MAIN_FILES
        return commit if any(any(snapshot.glob(pattern)) for pattern in patterns) else None

    def is_on_disk(self) -> bool:
        """Return whether the model can be loaded without a network."""
        return self.is_local or self.cached_commit() is not None


def role_of(key: str) -> str:
    """Return the name of a model in records and lists: its key without the section."""
    return key.partition(".")[2]


def describe_models(sources: Mapping[str, ModelSource]) -> dict[str, dict[str, str]]:
    """Describe models by role.

    Args:
        sources: key of the configuration -> model.
    """
    return {role_of(key): source.describe() for key, source in sources.items()}


def parse_source(key: str, text: str, *, allow_pickle: bool) -> ModelSource:
    """Parse the value of a key that names a model.

    Args:
        key: key of the configuration, for messages.
        text: its value.
        allow_pickle: whether weights in pickle files may be read.

    Raises:
        UserError: neither a path that exists nor a hub name; or pickled weights.
    """
    source = _parse(key, text)
    suffix = Path(source.file).suffix
    if suffix and suffix != ".safetensors" and not allow_pickle:
        raise UserError(
            f"{key} is {text!r}: only .safetensors files are read, because other formats can run "
            "code; set DIFFUSION.ALLOW_PICKLE True if you trust this file"
        )
    return source


def _parse(key: str, text: str) -> ModelSource:
    path = local_path(text)
    if path is not None and path.is_dir():
        return ModelSource(location=str(path), is_local=True)
    if path is not None:
        return ModelSource(location=str(path.parent), file=path.name, is_local=True)
    if not _HUB_NAME.fullmatch(text) or text.startswith(("./", "../")):
        raise UserError(
            f"{key} is {text!r}: no such file or folder, and not a hub name like "
            "owner/name or owner/name@revision"
        )
    name, _, revision = text.partition("@")
    owner, repository, *file = name.split("/", 2)
    return ModelSource(
        location=f"{owner}/{repository}",
        file="".join(file),
        revision=revision or None,
        is_local=False,
    )


def local_path(text: str) -> Path | None:
    """Return the path that a text names; None if there is no such file or folder."""
    try:
        path = Path(text).expanduser()
        return path if text and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, no such user, a null byte
        return None


@lru_cache(maxsize=16)
def digest(path: Path) -> str:
    """Digest a weight file, or the files of a model's folder by name and content."""
    if path.is_file():
        files = [path]
    else:
        files = sorted(file for file in path.rglob("*") if file.suffix in _WEIGHTS)
    whole = hashlib.sha256()
    for file in files:
        content = hashlib.sha256()
        with open(file, "rb") as stream:
            while block := stream.read(_BLOCK):
                content.update(block)
        name = file.name if path.is_file() else file.relative_to(path).as_posix()
        whole.update(f"{name} {content.hexdigest()}\n".encode())
    return whole.hexdigest()


def _card_licence(path: Path) -> str:
    """Read the licence from the head of the model card next to the weights."""
    card = (path if path.is_dir() else path.parent) / "README.md"
    if card.is_file():
        match = re.search(r"^license:\s*(\S+)", card.read_text("utf-8", "replace"), re.MULTILINE)
        if match:
            return match[1]
    return UNKNOWN

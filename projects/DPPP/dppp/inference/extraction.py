"""A folder of images -> features, in shards, so that a stopped run resumes."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from ..data.datasets.folders import UNREADABLE
from ..errors import UserError
from .embedder import Embedder
from .features import Features, load_features
from .files import list_images, require_suffix

SHARD_SIZE = 256  # images


def extract(
    embedder: Embedder,
    source: str | os.PathLike,
    output: str | os.PathLike | None = None,
    *,
    half: bool = False,
    shard_size: int = SHARD_SIZE,
) -> Features:
    """Embed every image of a folder or list; those that cannot be read are in ``skipped``.

    Args:
        embedder: the model.
        source: a folder, searched recursively, or a .txt file with one path per line.
        output: .npz file to write; the work so far is in ``output``.partial. An existing file with
            the same features is read, not made again. None: nothing is written.
        half: store float16.
        shard_size: images after which the work is saved.

    Raises:
        UserError: no image, none that can be read, or ``output`` holds something else.
    """
    root, paths = list_images(source)
    settings = _digest(embedder, root, paths, (half, shard_size))
    shards = _Shards(embedder=embedder, root=root, half=half, settings=settings)
    if output is not None and require_suffix(output, ".npz").exists():
        done = load_features(output)
        if done.settings != shards.settings:
            raise UserError(
                f"{output}: holds features of other images, another model, precision or number "
                "format; remove it, or name another output"
            )
        return done
    if output is None:
        return _require_one(_embed_shards(shards, paths, shard_size, None), source)
    partial = Path(f"{output}.partial")
    try:
        features = _require_one(_embed_shards(shards, paths, shard_size, partial), source)
        features.save(output)
        shutil.rmtree(partial)
        return features
    finally:
        with contextlib.suppress(OSError):  # it holds work, or does not exist
            partial.rmdir()


def embed_files(embedder: Embedder, files: Sequence[str | os.PathLike]) -> Features:
    """Embed images by name, without saving anything.

    Raises:
        UserError: one of them is missing or cannot be read.
    """
    shards = _Shards(embedder=embedder, root=Path.cwd(), half=False, settings="")
    features = shards.embed([str(file) for file in files])
    if features.skipped:
        raise UserError(features.skipped[0])
    return features


@dataclass(frozen=True, kw_only=True)
class _Shards:
    """What all shards of one extraction share.

    Attributes:
        embedder: the model.
        root: the folder that the names of images are relative to.
        half: store float16.
        settings: digest of everything that the features depend on.
    """

    embedder: Embedder
    root: Path
    half: bool
    settings: str

    def load_or_embed(self, names: Sequence[str], file: Path) -> Features:
        """Return features of some images, from ``file`` if it exists, else written to it."""
        if not file.exists():
            features = self.embed(names)
            features.save(file)
            return features
        done = load_features(file)
        if done.settings != self.settings:
            raise UserError(
                f"{file.parent}: was started with other images, another model, precision or "
                "number format; remove it, or name another output"
            )
        return done

    def embed(self, names: Sequence[str]) -> Features:
        """Return features of some images."""
        embedder = self.embedder
        parts: list[np.ndarray] = []
        kept, skipped = [], []
        for batch in _read_batches(embedder, self.root, names):
            readable = [(name, pixels) for name, pixels in batch if isinstance(pixels, Tensor)]
            skipped += [f"{name}: {reason}" for name, reason in batch if isinstance(reason, str)]
            if readable:
                kept += [name for name, _ in readable]
                parts.append(embedder.embed_pixels([pixels for _, pixels in readable]))
        features = np.concatenate(parts) if parts else np.zeros((0, embedder.feature_dim))
        return Features(
            features=features.astype(np.float16 if self.half else np.float32),
            paths=kept,
            root=str(self.root),
            model=embedder.digest,
            skipped=skipped,
            settings=self.settings,
            precision=embedder.precision,
        )


def _digest(embedder: Embedder, root: Path, paths: Sequence[str], storage: tuple[bool, int]) -> str:
    """Digest everything that the features depend on; ``storage``: half, and the size of a shard."""
    stats = [os.stat(root / path) for path in paths]
    images = [(p, s.st_size, s.st_mtime_ns) for p, s in zip(paths, stats, strict=True)]
    facts: tuple = (embedder.digest, *storage, str(root), images)
    if embedder.precision != "fp32":  # digests of fp32 are as they were when there was no other
        facts += (embedder.precision,)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _embed_shards(
    shards: _Shards, paths: Sequence[str], shard_size: int, folder: Path | None
) -> Features:
    """Embed all images, with a progress bar; finished shards are in ``folder``, if there is one."""
    done = []
    with tqdm(total=len(paths), unit="image", disable=None) as progress:
        for number, start in enumerate(range(0, len(paths), shard_size)):
            names = paths[start : start + shard_size]
            if folder is None:
                done.append(shards.embed(names))
            else:
                done.append(shards.load_or_embed(names, folder / f"{number:06d}.npz"))
            progress.update(len(names))
    first = done[0]
    return Features(
        features=np.concatenate([shard.features for shard in done]),
        paths=[path for shard in done for path in shard.paths],
        root=first.root,
        model=first.model,
        skipped=[line for shard in done for line in shard.skipped],
        settings=first.settings,
        precision=first.precision,
    )


def _require_one(features: Features, source: str | os.PathLike) -> Features:
    if not features.paths:
        raise UserError(f"{source}: no image can be read; the first: {features.skipped[0]}")
    return features


def _read_batches(
    embedder: Embedder, root: Path, names: Sequence[str]
) -> Iterator[list[tuple[str, Tensor | str]]]:
    """Yield batches of (path, pixels or the reason why there are none); threads read ahead."""

    def read(name: str) -> tuple[str, Tensor | str]:
        try:
            with Image.open(root / name) as image:
                return name, embedder.preprocess(image)
        except UNREADABLE as error:
            return name, " ".join(str(error).split())

    with ThreadPoolExecutor() as pool:
        results = pool.map(read, names)
        while batch := list(islice(results, embedder.batch_size)):
            yield batch

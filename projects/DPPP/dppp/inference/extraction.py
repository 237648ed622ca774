"""A folder of images -> features, in shards, so that a stopped run goes on where it was."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from ..data.datasets.folders import UNREADABLE
from ..errors import UserError
from .embedder import BATCH_SIZE, Embedder
from .features import Features, load_features
from .files import list_images, require_suffix

SHARD_SIZE = 256  # images


def extract(
    embedder: Embedder,
    source: str | os.PathLike,
    output: str | os.PathLike | None = None,
    half: bool = False,
    shard_size: int = SHARD_SIZE,
) -> Features:
    """Features of every image of a folder or list; those that cannot be read are in ``skipped``.

    Args:
        source: a folder, searched to its depth, or a .txt file with a path a line.
        output: .npz file to write; the work so far is in ``output``.partial. A file that is there
            already and holds the same is read, not made again. None: nothing is written.
        half: store float16.
        shard_size: images after which the work is saved.

    Raises:
        UserError: no image, none that can be read, or ``output`` holds something else.
    """
    root, paths = list_images(source)
    settings = _digest(embedder, root, paths, half, shard_size)
    if output is not None and require_suffix(output, ".npz").exists():
        done = load_features(output)
        if done.settings != settings:
            raise UserError(f"{output}: holds features of other images or another model; remove it")
        return done
    partial = None if output is None else Path(f"{output}.partial")
    shards = []
    try:
        with tqdm(total=len(paths), unit="image", disable=None) as progress:
            for number, start in enumerate(range(0, len(paths), shard_size)):
                names = paths[start : start + shard_size]
                file = partial and partial / f"{number:06d}.npz"
                shards.append(_shard(embedder, root, names, half, settings, file))
                progress.update(len(names))
        whole = _join(shards)
        if not whole.paths:
            raise UserError(f"{source}: no image can be read; the first: {whole.skipped[0]}")
        if output is not None:
            whole.save(output)
            shutil.rmtree(partial)
        return whole
    finally:
        if partial is not None:
            with contextlib.suppress(OSError):  # it holds work, or is not there
                partial.rmdir()


def embed_files(embedder: Embedder, files: Sequence[str | os.PathLike]) -> Features:
    """Features of some images by name, nothing saved.

    Raises:
        UserError: one of them is not there or cannot be read.
    """
    names = [str(file) for file in files]
    features = _shard(embedder, Path.cwd(), names, False, "", None)
    if features.skipped:
        raise UserError(features.skipped[0])
    return features


def _digest(embedder: Embedder, root: Path, paths: list[str], half: bool, shard_size: int) -> str:
    """One text for everything that makes the features what they are."""
    stats = [os.stat(root / path) for path in paths]
    images = [(p, s.st_size, s.st_mtime_ns) for p, s in zip(paths, stats, strict=True)]
    facts = (embedder.digest, half, shard_size, str(root), images)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _shard(
    embedder: Embedder, root: Path, names: list[str], half: bool, settings: str, file: Path | None
) -> Features:
    """Features of some images, from ``file`` where it is there already."""
    if file is not None and file.exists():
        done = load_features(file)
        if done.settings != settings:
            raise UserError(
                f"{file.parent}: was begun with other images, another model or number format; "
                "remove it, or name another output"
            )
        return done
    kept, features, skipped = [], [], []
    for batch in _read_batches(embedder, root, names):
        good = [(name, pixels) for name, pixels in batch if isinstance(pixels, Tensor)]
        skipped += [f"{name}: {reason}" for name, reason in batch if isinstance(reason, str)]
        if good:
            kept += [name for name, _ in good]
            features.append(embedder.embed_pixels([pixels for _, pixels in good]))
    features = np.concatenate(features) if features else np.zeros((0, embedder.feature_dim))
    dtype = np.float16 if half else np.float32
    shard = Features(features.astype(dtype), kept, str(root), embedder.digest, skipped, settings)
    if file is not None:
        shard.save(file)
    return shard


def _read_batches(
    embedder: Embedder, root: Path, names: list[str]
) -> Iterator[list[tuple[str, Tensor | str]]]:
    """(path, pixels or why there are none) of some images at a time; threads read ahead."""

    def read(name: str) -> tuple[str, Tensor | str]:
        try:
            with Image.open(root / name) as image:
                return name, embedder.preprocess(image)
        except UNREADABLE as error:
            return name, " ".join(str(error).split())

    with ThreadPoolExecutor() as pool:
        results = pool.map(read, names)
        while batch := list(islice(results, BATCH_SIZE)):
            yield batch


def _join(shards: list[Features]) -> Features:
    first = shards[0]
    return Features(
        np.concatenate([shard.features for shard in shards]),
        [path for shard in shards for path in shard.paths],
        first.root,
        first.model,
        [line for shard in shards for line in shard.skipped],
        first.settings,
    )

"""Checking a data set against the folder contract; every problem names its file."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from ..errors import UserError
from ..files import sha256
from . import layout
from .layout import IdentityRow, ImageRow
from .verify_rows import check_held_out, check_identities, check_rows

_TABLES = (layout.IDENTITIES, layout.IMAGES)
_BLOCK = 1024  # images in flight, which Ctrl-C waits for
_MISSING = "missing"
_OWN_FILES = (
    *_TABLES,
    layout.DATASET,
    layout.CARD,
    layout.REJECTS,
    layout.REJECT_SHEET,
    layout.BACKGROUND_SHEET,
)


def verify(directory: str | Path) -> list[str]:
    """List everything that is wrong with a data set.

    Args:
        directory: folder of the data set.

    Returns:
        One line per problem, starting with the file it is about; empty for a good set.

    Raises:
        UserError: the path is not a folder.
    """
    root = Path(directory)
    if not root.is_dir():
        raise UserError(f"{root} is not a folder; give the folder of a data set")
    if not (root / layout.DATASET).exists():
        if (root / layout.STAGING).exists():
            return [f"{layout.STAGING}: unfinished build; run the same build command again"]
        return [f"{layout.DATASET}: missing; {root} holds no finished data set"]
    problems: list[str] = []
    dataset = _read_dataset(root, problems)
    if dataset is not None and (found := dataset.get("format")) != layout.FORMAT:
        return [
            f"{layout.DATASET}: format is {found!r}, must be {layout.FORMAT}: the set was made by "
            "another version of geneperson; verify it with that version, or build it again"
        ]
    identities = layout.read_rows(root, IdentityRow, problems)
    images = layout.read_rows(root, ImageRow, problems)
    problems += check_identities(identities, images)
    problems += check_rows(identities, images)
    problems += check_held_out(images)
    problems += _check_files(root, images, _cell_size(dataset))
    problems += _check_dataset(root, dataset, identities, images)
    return list(dict.fromkeys(problems))


def _cell_size(dataset: dict[str, Any] | None) -> tuple[int, int] | None:
    """Return the images' (height, width); None if dataset.json does not state it."""
    if dataset is None:
        return None
    try:
        height, width = dataset["configuration"]["CANVAS"]["CELL_SIZE"]
        return int(height), int(width)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _check_files(root: Path, images: list[ImageRow], size: tuple[int, int] | None) -> list[str]:
    """Check the files on disk against the rows: missing, altered, truncated, renamed, extra."""
    problems: list[str] = []
    expected = {row.file: row.sha256 for row in images}
    missing: dict[str, str] = {}
    for file, problem in _check_images(root, expected, size):
        if problem == _MISSING:
            missing[file] = expected[file]
        elif problem:
            problems.append(f"{file}: {problem}")
    for file in _list_files(root):
        if file not in expected and file not in _OWN_FILES:
            problems.append(_explain_extra(root, file, missing))
    return problems + [f"{file}: {_MISSING}" for file in missing]


def _check_images(
    root: Path, expected: dict[str, str], size: tuple[int, int] | None
) -> Iterator[tuple[str, str | None]]:
    """Yield each listed file with what is wrong with it, or None.

    Reading, hashing and decoding leave the interpreter free for another thread.
    """
    files = list(expected)
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=len(files), unit="image", desc="verify", disable=None, leave=False) as progress,
    ):
        for start in range(0, len(files), _BLOCK):
            block = files[start : start + _BLOCK]
            found = pool.map(lambda file: _check_image(root / file, expected[file], size), block)
            yield from zip(block, found, strict=True)
            progress.update(len(block))


def _check_image(path: Path, expected: str, size: tuple[int, int] | None) -> str | None:
    """Return what is wrong with a listed file, or None."""
    if not path.is_file():
        return _MISSING
    if path.is_symlink():
        return "a link; a data set holds its own files"
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    problem = _check_jpeg(content, size)
    if sha256(content) != expected:
        return f"altered ({problem})" if problem else "altered, its sha256 differs"
    return problem


def _explain_extra(root: Path, file: str, missing: dict[str, str]) -> str:
    """Explain a file that is not listed; one that was renamed is no longer missing."""
    top = file.split("/")[0]
    if top == layout.STAGING:
        return f"{top}: left over; run the same build command again"
    digest = sha256((root / file).read_bytes()) if (root / file).is_file() else ""
    old_name = next((name for name in missing if missing[name] == digest), None)
    if old_name is not None:
        del missing[old_name]
        return f"{file}: renamed, {layout.IMAGES} has it as {old_name}"
    if top in layout.FOLDERS:
        return f"{file}: extra, it has no line in {layout.IMAGES}"
    return f"{file}: extra, it does not belong to the data set"


def _list_files(root: Path) -> list[str]:
    """List everything below the root, sorted, without the set's folders and those with content."""
    own_folders = {root / name for name in layout.FOLDERS}
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_symlink()
        or not path.is_dir()
        or (path not in own_folders and not any(path.iterdir()))
    )


def _check_jpeg(content: bytes, size: tuple[int, int] | None) -> str | None:
    """Decode an image; return what is wrong with it, or None."""
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"truncated, or not a JPEG: {error}"
    if image.mode != "RGB":
        return f"its mode is {image.mode}, must be RGB"
    if size is not None and (image.height, image.width) != size:
        return f"its size is {image.height} x {image.width}, must be {size[0]} x {size[1]}"
    return None


def _check_dataset(
    root: Path,
    dataset: dict[str, Any] | None,
    identities: list[IdentityRow],
    images: list[ImageRow],
) -> list[str]:
    """Check dataset.json against the tables: counts, digests."""
    where = layout.DATASET
    if dataset is None:
        return []
    problems: list[str] = []
    if dataset.get("own_sha256") != layout.own_sha256(dataset):
        problems.append(f"{where}: altered, its own sha256 differs")
    tables = _check_own_files(root, dataset, problems)
    for key, counted in layout.count(identities, images).items():
        if dataset.get(key) != counted:
            problems.append(f"{where}: {key} are {dataset.get(key)}, but {counted} are listed")
    digest = layout.set_digest({row.file: row.sha256 for row in images} | tables)
    if dataset.get("digest") != digest:
        problems.append(f"{where}: the digest differs from that of the listed files")
    return problems


def _check_own_files(root: Path, dataset: dict[str, Any], problems: list[str]) -> dict[str, str]:
    """Check the files that dataset.json states; return the digests of the two tables."""
    tables: dict[str, str] = {}
    files = dataset.get("files")
    stated: dict[str, str] = files if isinstance(files, dict) else {}
    for file in dict.fromkeys((*_TABLES, layout.CARD, *stated)):
        path = root / file
        if file not in _OWN_FILES:
            problems.append(f"{layout.DATASET}: {file!r} does not belong to a data set")
            continue
        if not path.is_file():
            problems.append(f"{file}: missing")
            continue
        digest = sha256(path.read_bytes())
        if stated.get(file) != digest:
            problems.append(f"{file}: altered, its sha256 differs from that in {layout.DATASET}")
        if file in _TABLES:
            tables[file] = digest
    return tables


def _read_dataset(root: Path, problems: list[str]) -> dict[str, Any] | None:
    """Read dataset.json; if it is unreadable, add a problem and return None."""
    try:
        dataset = json.loads((root / layout.DATASET).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{layout.DATASET}: not JSON ({error})")
        return None
    if not isinstance(dataset, dict):
        problems.append(f"{layout.DATASET}: not a JSON object")
        return None
    return dataset

"""The folder contract: names and files of a finished data set, whatever made it.

::

    bounding_box_train/0001_c1s3_000017_00.jpg    pid 0001, scene c1, lighting s3, cell 17, copy 00
    query/  bounding_box_test/                    held-out identities
    identities.jsonl    one line per identity: pid, split, candidate, attributes, prompts, seed
    images.jsonl        one line per image: file, pid, scene, lighting, drawn lighting, background,
                        cell, view, area, sha256
    rejects.jsonl       one line per cell that was not used: candidate, pid, copy, cell, reason
    rejects.jpg         examples of them
    backgrounds.jpg     the backgrounds, one for each scene and lighting, if a model painted them
    dataset.json        counts, configuration, software and model versions, digest of the whole set
    README.md           the data card

The names are Market-1501's, so every Re-ID toolbox reads the folder.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ..files import sha256, to_json
from ..worlds.lighting import LIGHTINGS
from ..worlds.scenes import SCENES

TRAIN, QUERY, GALLERY = "bounding_box_train", "query", "bounding_box_test"
FOLDERS = (TRAIN, QUERY, GALLERY)
SPLITS = ("train", "test")
IDENTITIES, IMAGES, DATASET, CARD = "identities.jsonl", "images.jsonl", "dataset.json", "README.md"
REJECTS, REJECT_SHEET = "rejects.jsonl", "rejects.jpg"
BACKGROUND_SHEET = "backgrounds.jpg"
STAGING = ".build"
FORMAT = 2  # of the tables and dataset.json; changes when a reader has to change

SCENE_NAMES = tuple(SCENES)
LIGHTING_NAMES = tuple(lighting.name for lighting in LIGHTINGS)

# At least four digits; a longer pid has no leading zero, so every image has exactly one name.
_NAME = re.compile(r"(\d{4}|[1-9]\d{4,})_c([1-6])s([1-9])_(\d{6})_(\d{2})\.jpg", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ImageName:
    """What a file name states: pid >= 1, camera 1..6, lighting 1..9, cell >= 0, copy 0..99.

    A copy is one of several canvases of an identity, each drawn under another lighting.
    """

    pid: int
    camera: int
    lighting: int
    cell: int
    copy: int = 0

    def __str__(self) -> str:
        return f"{self.pid:04d}_c{self.camera}s{self.lighting}_{self.cell:06d}_{self.copy:02d}.jpg"


def parse_name(file: str) -> ImageName | None:
    """Parse the last component of a path; None if it is not a name of this contract."""
    match = _NAME.fullmatch(file.rsplit("/", 1)[-1])
    if match is None or int(match[1]) == 0:
        return None
    pid, camera, lighting, cell, copy = (int(group) for group in match.groups())
    return ImageName(pid=pid, camera=camera, lighting=lighting, cell=cell, copy=copy)


@dataclass(frozen=True, kw_only=True)
class ImageRow:
    """One line of images.jsonl.

    Attributes:
        file: path inside the data set, with forward slashes.
        pid: identity, from 1.
        scene: one of ``SCENE_NAMES``; its position in that list, from 1, is the camera.
        lighting: one of ``LIGHTING_NAMES``, the light that the image shows; its position, from 1,
            is the number after "s".
        drawn_lighting: the light that the person was drawn in: the same, or "neutral" if the image
            was relit.
        background: name of the background picture, e.g. "street_day_003".
        cell: cell of the canvas, from 0.
        view: where the person is seen from, e.g. "front-left".
        mask_area: share of the canvas cell that the person covered before fusion, 0..1.
        sha256: of the file's bytes, in hexadecimal.
    """

    file: str
    pid: int
    scene: str
    lighting: str
    drawn_lighting: str
    background: str
    cell: int
    view: str
    mask_area: float
    sha256: str


@dataclass(frozen=True, kw_only=True)
class IdentityRow:
    """One line of identities.jsonl; split is "train" or "test", candidate the prompt's number."""

    pid: int
    split: str
    candidate: int
    attributes: dict[str, str]
    prompt: str
    negative_prompt: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class RejectRow:
    """One line of rejects.jsonl; pid is 0 where the whole candidate was rejected."""

    candidate: int
    pid: int
    copy: int
    cell: int
    reason: str


Row = TypeVar("Row", ImageRow, IdentityRow)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "str": str,
    "float": (int, float),
    "dict[str, str]": dict,
}


def count(
    identity_rows: Iterable[IdentityRow], image_rows: Iterable[ImageRow]
) -> dict[str, dict[str, int]]:
    """Count identities by split and images by folder, as ``dataset.json`` states them."""
    splits = Counter(row.split for row in identity_rows)
    folders = Counter(row.file.split("/")[0] for row in image_rows)
    return {
        "identities": {split: splits[split] for split in SPLITS},
        "images": {folder: folders[folder] for folder in FOLDERS},
    }


def to_jsonl(rows: Iterable[ImageRow | IdentityRow | RejectRow]) -> bytes:
    """Encode rows as one JSON object per line."""
    return "".join(json.dumps(asdict(row)) + "\n" for row in rows).encode()


def read_rows(root: Path, kind: type[Row], problems: list[str]) -> list[Row]:
    """Read one of the two tables of a data set.

    Args:
        root: folder of the data set.
        kind: ``ImageRow`` or ``IdentityRow``, which also decides the file.
        problems: one entry, with file and line number, is added for every line that cannot be
            read.
    """
    file = IMAGES if kind is ImageRow else IDENTITIES
    types = {field.name: _TYPES[str(field.type)] for field in fields(kind)}
    try:
        lines = (root / file).read_bytes().splitlines()
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            problems.append(f"{file}: cannot be read ({error.strerror})")
        return []
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            problems.append(f"{file}: line {number} is not JSON")
            continue
        if not isinstance(content, dict) or content.keys() != types.keys():
            problems.append(f"{file}: line {number} must have the keys {', '.join(types)}")
        elif mistyped := [key for key in types if not isinstance(content[key], types[key])]:
            problems.append(f"{file}: line {number} has a wrong type in {', '.join(mistyped)}")
        elif kind is ImageRow and parse_name(content["file"]) is None:
            problems.append(f"{file}: line {number} does not name an image of a data set")
        else:
            rows.append(kind(**content))
    return rows


def set_digest(sha256_of: dict[str, str]) -> str:
    """Digest a whole set: the sha256 of its sorted lines "file sha256".

    Args:
        sha256_of: file -> sha256 of every image and of the two JSON-lines files.
    """
    lines = sorted(f"{file} {digest}\n" for file, digest in sha256_of.items())
    return sha256("".join(lines).encode())


def own_sha256(dataset: dict[str, Any]) -> str:
    """Digest the content of ``dataset.json`` without the entry that states this digest."""
    return sha256(to_json({key: dataset[key] for key in dataset if key != "own_sha256"}))

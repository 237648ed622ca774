"""Generated images and the words they were drawn from, read from GenePerson folders."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ..data.datasets.folders import UNREADABLE
from ..errors import DataNotFoundError, UserError
from .captions import caption, mirrored


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Images in memory with what their captions are made from.

    Attributes:
        pixels: (N, H, W, 3) uint8.
        people: index into ``attributes`` of the person in each image, (N,).
        cameras: number of each image's scene (= camera), (N,).
        places: (scene, lighting, view) of each image.
        attributes: attribute -> word, of each person.
        sources: content of each folder's dataset.json.
    """

    pixels: np.ndarray
    people: np.ndarray
    cameras: np.ndarray
    places: list[tuple[str, str, str]]
    attributes: list[dict[str, str]]
    sources: list[dict]

    def __len__(self) -> int:
        return len(self.pixels)

    def draw(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        """Return an image, mirrored with probability 1/2, and one of its captions."""
        scene, lighting, view = self.places[index]
        pixels, view = self.pixels[index], view.replace("-", " ")
        if rng.random() < 0.5:
            pixels, view = pixels[:, ::-1], mirrored(view)
        attributes = self.attributes[self.people[index]]
        return pixels, caption(attributes, scene, lighting, view, rng)


def read_pairs(
    folders: Sequence[Path], image_size: tuple[int, int], splits: Sequence[str]
) -> Pairs:
    """Read the images of some splits of GenePerson folders, resized as FastReID resizes them.

    Args:
        folders: the sets.
        image_size: (height, width) in pixels.
        splits: of "bounding_box_train", "query" and "bounding_box_test".

    Raises:
        UserError: a folder holds no finished set, or one of its files is missing or unreadable.
    """
    height, width = image_size
    rows: list[tuple[Path, int, dict]] = []  # file, place in attributes, line of images.jsonl
    attributes: list[dict[str, str]] = []
    sources = []
    for folder in folders:
        sources.append(_dataset(folder))
        places = {}  # pid -> place in attributes
        for person in _lines(folder / "identities.jsonl"):
            places[person["pid"]] = len(attributes)
            attributes.append(person["attributes"])
        for row in _lines(folder / "images.jsonl"):
            if row["file"].split("/")[0] in splits:
                rows.append((folder / row["file"], places[row["pid"]], row))
    if not rows:
        raise UserError(f"{', '.join(map(str, folders))}: no image in {', '.join(splits)}")
    pixels = np.empty((len(rows), height, width, 3), np.uint8)
    scenes = list(dict.fromkeys(row["scene"] for *_, row in rows))
    for number, (path, _, _) in enumerate(tqdm(rows, unit="image", desc="reading")):
        pixels[number] = _read(path, (width, height))
    return Pairs(
        pixels=pixels,
        people=np.array([person for _, person, _ in rows]),
        cameras=np.array([scenes.index(row["scene"]) for *_, row in rows]),
        places=[(row["scene"], row["lighting"], row["view"]) for *_, row in rows],
        attributes=attributes,
        sources=sources,
    )


def _dataset(folder: Path) -> dict:
    path = folder / "dataset.json"
    if not path.is_file():
        raise DataNotFoundError(f"{folder}: no finished GenePerson set (no {path.name})")
    return json.loads(path.read_text(encoding="utf-8"))


def _lines(path: Path) -> list[dict]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _read(path: Path, size: tuple[int, int]) -> np.ndarray:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))
    except UNREADABLE as error:
        raise UserError(
            f"{path}: cannot be read as an image ({error}); build the set again"
        ) from None

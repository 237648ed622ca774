"""Generated images and the words they were drawn from, read from GenePerson folders."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ..data.datasets.folders import UNREADABLE
from ..errors import DataNotFoundError, UserError
from .captions import NOTHING, STATED
from .facts import SEEN, Fact, Place, facts_of

CameraWords = Mapping[str, Sequence[str]]  # scene -> words for its camera's pictures


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An image and all that its captions are made from.

    Attributes:
        pixels: (H, W, 3) uint8.
        person: attribute -> word, from identities.jsonl.
        place: where the image was taken.
    """

    pixels: np.ndarray
    person: Mapping[str, str]
    place: Place

    @cached_property
    def facts(self) -> frozenset[Fact]:
        """All that is true of the image."""
        return facts_of(self.person, self.place)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Images in memory with what their captions are made from.

    Attributes:
        pixels: (N, H, W, 3) uint8.
        people: index into ``attributes`` of the person in each image, (N,).
        cameras: number of each image's scene (= camera), (N,).
        places: where each image was taken.
        attributes: attribute -> word, of each person.
        sources: content of each folder's dataset.json.
    """

    pixels: np.ndarray
    people: np.ndarray
    cameras: np.ndarray
    places: list[Place]
    attributes: list[dict[str, str]]
    sources: list[dict]

    def __len__(self) -> int:
        return len(self.pixels)

    @cached_property
    def words(self) -> dict[str, list[str]]:
        """Attribute that captions state -> all words for it that occur, in alphabetical order."""
        of_people = [item for person in self.attributes for item in person.items()]
        of_places = [(name, getattr(place, name)) for place in self.places for name in SEEN]
        words: dict[str, set[str]] = {name: set() for name in STATED}
        for name, word in of_places + [item for item in of_people if item[0] not in SEEN]:
            if name in words and word != NOTHING:
                words[name].add(word)
        return {name: sorted(known) for name, known in words.items() if known}

    def draw(self, index: int, rng: np.random.Generator) -> Pair:
        """Return an image, mirrored with probability 1/2."""
        pixels, place = self.pixels[index], self.places[index]
        if rng.random() < 0.5:
            pixels, place = pixels[:, ::-1], place.mirrored()
        return Pair(pixels=pixels, person=self.attributes[self.people[index]], place=place)


def read_pairs(
    folders: Sequence[Path],
    image_size: tuple[int, int],
    splits: Sequence[str],
    cameras: Sequence[CameraWords] = (),
) -> Pairs:
    """Read the images of some splits of GenePerson folders, resized as FastReID resizes them.

    Args:
        folders: the sets.
        image_size: (height, width) in pixels.
        splits: of "bounding_box_train", "query" and "bounding_box_test".
        cameras: for each of the folders, words for the pictures of each scene's camera; without
            them, captions say nothing of it.

    Raises:
        UserError: a folder holds no finished set, or one of its files is missing or unreadable.
    """
    height, width = image_size
    rows: list[tuple[Path, int, Place]] = []  # file, number of the person
    attributes: list[dict[str, str]] = []
    sources = []
    for folder, words in zip(folders, cameras or [{}] * len(folders), strict=True):
        sources.append(_dataset(folder))
        numbers = {}  # pid -> place in attributes
        for person in _lines(folder / "identities.jsonl"):
            numbers[person["pid"]] = len(attributes)
            attributes.append(person["attributes"])
        for row in _lines(folder / "images.jsonl"):
            if row["file"].split("/")[0] in splits:
                rows.append((folder / row["file"], numbers[row["pid"]], _place(row, words)))
    if not rows:
        raise UserError(f"{', '.join(map(str, folders))}: no image in {', '.join(splits)}")
    pixels = np.empty((len(rows), height, width, 3), np.uint8)
    scenes = list(dict.fromkeys(place.scene for *_, place in rows))
    for number, (path, _, _) in enumerate(tqdm(rows, unit="image", desc="reading")):
        pixels[number] = _read(path, (width, height))
    return Pairs(
        pixels=pixels,
        people=np.array([person for _, person, _ in rows]),
        cameras=np.array([scenes.index(place.scene) for *_, place in rows]),
        places=[place for *_, place in rows],
        attributes=attributes,
        sources=sources,
    )


def _place(row: dict, cameras: CameraWords) -> Place:
    """Read a line of images.jsonl."""
    return Place(
        scene=row["scene"],
        lighting=row["lighting"],
        view=row["view"].replace("-", " "),
        camera=tuple(cameras.get(row["scene"], ())),
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

"""A published data set that is read as its owners pack it: how to describe one, and its class."""

import glob
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from fastreid.data.datasets.bases import ImageDataset

from ...errors import DataNotFoundError, UserError
from .counts import Counts, warn_if_different
from .folders import image_names
from .market_style import JUNK_PID

NOT_STATED = "no terms of use are stated there; ask its owners"

Item = tuple[str, str, str]  # path, identity, camera, as the files name them


def by_name(pattern: str) -> re.Pattern:
    """A pattern of an image's file name, in whatever folder it lies."""
    return re.compile(f"(?:.*/)?(?:{pattern})", re.ASCII)


@dataclass(frozen=True)
class Source:
    """What must be known to read a published data set.

    Attributes:
        roots: folders under FASTREID_DATASETS that may hold it, its owners' name first. The first
            with training images is taken, and only that one.
        train, query, gallery: glob patterns of the folders of images below the root.
        instead: where the images of ``train`` may lie instead; in both, they would train twice.
        pattern: of an image's whole path below the root, with / and without .jpg.
        example: such a path.
        described: where the set is described and can be asked for.
        terms: what is said there on its use.
        person: groups of ``pattern`` that make an identity together.
        camera: groups that make a camera together; none: one camera.
        known: part ("train", "query", "gallery", or "all" of it) -> its counts.
    """

    roots: tuple[str, ...]
    train: tuple[str, ...]
    pattern: re.Pattern
    example: str
    described: str
    terms: str
    person: tuple[str, ...] = ("pid",)
    camera: tuple[str, ...] = ("camera",)
    instead: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    gallery: tuple[str, ...] = ()
    known: dict[str, Counts] = field(default_factory=dict)


class PublishedDataset(ImageDataset):
    """A data set of a ``Source``. Sets made for training alone have no query and no gallery.

    Args:
        root: FastReID's data root.
        kwargs: FastReID's (``combineall`` and so on).

    Raises:
        DataNotFoundError: no training image in any of the source's folders.
        UserError: an image's name is not one of the set's, or its images lie in two places.
    """

    source: Source
    dataset_name = ""

    def __init__(self, root: str = "datasets", **kwargs) -> None:
        name, source = self.dataset_name, self.source
        parts = {"train": [], "query": [], "gallery": []}
        for folder in (Path(root, candidate) for candidate in source.roots):
            parts["train"] = self._training(folder)
            if parts["train"]:
                parts["query"] = self._read(folder, source.query)
                parts["gallery"] = self._read(folder, source.gallery)
                break
        else:
            raise self.not_found(Path(root, source.roots[0]))
        for part, known in source.known.items():
            items = list(chain(*parts.values())) if part == "all" else parts[part]
            warn_if_different(name, part, items, known)
        # The prefix keeps identities of sets apart that are trained on together; there are
        # millions of images and few names, hence the interning.
        train = [
            (path, sys.intern(f"{name}_{pid}"), sys.intern(f"{name}_{camera}"))
            for path, pid, camera in parts["train"]
        ]
        super().__init__(train, *_numbered(parts["query"], parts["gallery"]), **kwargs)

    @classmethod
    def is_for_training_alone(cls) -> bool:
        return not cls.source.query

    def not_found(self, folder: Path) -> DataNotFoundError:
        """The error that names the folder, what it should hold and where that is described."""
        source = self.source
        return DataNotFoundError(
            f"data set {self.dataset_name}: no training image in {folder}, as "
            f"{source.example}.jpg; the set is described at {source.described} ({source.terms}), "
            "its folders in datasets/README.md; or set FASTREID_DATASETS to the folder that holds "
            f"{source.roots[0]}"
        )

    def _training(self, root: Path) -> list[Item]:
        """Images to train on, of ``train`` or ``instead``."""
        found = [self._read(root, where) for where in (self.source.train, self.source.instead)]
        if all(found):
            one, other = (os.path.dirname(items[0][0]) for items in found)
            raise UserError(
                f"data set {self.dataset_name}: images in {one} and in {other}, which are two "
                "places for the same images; keep one of them"
            )
        return found[0] or found[1]

    def _read(self, root: Path, patterns: Sequence[str]) -> list[Item]:
        """Every image of the folders that match, but junk (pid -1); by name."""
        items = []
        folders = {f for pattern in patterns for f in glob.glob(pattern, root_dir=root)}
        for folder in sorted(folders):
            for file in image_names(root / folder):
                path = os.path.normpath(os.path.join(folder, file))
                match = self.source.pattern.fullmatch(os.path.splitext(Path(path).as_posix())[0])
                if match is None:
                    raise UserError(
                        f"{root / path}: not a name of {self.dataset_name} (as "
                        f"{self.source.example}.jpg); remove what is not the set's, see "
                        "datasets/README.md"
                    )
                pid = self._identity(match)
                if pid != str(JUNK_PID):
                    camera = _label(match, self.source.camera)
                    items.append((os.path.join(root, path), pid, camera))
        return items

    def _identity(self, match: re.Match) -> str:
        return _label(match, self.source.person)


def _label(match: re.Match, groups: tuple[str, ...]) -> str:
    """The groups as one label; a number has no leading zeros, so 007 and 7 are one."""
    texts = [match[group] for group in groups]
    numbers = [str(int(t)) if re.fullmatch(r"-?\d+", t, re.ASCII) else t for t in texts]
    return "_".join(numbers) or "0"


def _numbered(*parts: list[Item]) -> list[list[tuple[str, int, int]]]:
    """Query and gallery with identities and cameras as numbers, as FastReID has them."""
    cameras = sorted({camera for part in parts for _, _, camera in part})
    number = {camera: index for index, camera in enumerate(cameras)}
    return [[(path, int(pid), number[camera]) for path, pid, camera in part] for part in parts]

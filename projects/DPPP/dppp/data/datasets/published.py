"""Published data sets, read as their owners pack them: the description of one, and its class."""

import glob
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from fastreid.data.datasets.bases import ImageDataset

from ...errors import DataNotFoundError, UserError
from .counts import Counts, warn_if_different
from .folders import image_names
from .market_style import JUNK_PID

NOT_STATED = "no terms of use are stated there; ask its owners"

Item = tuple[str, str, str]  # path, identity, camera, as the files name them


def by_name(pattern: str) -> re.Pattern:
    """Return a pattern of an image's file name, in any folder."""
    return re.compile(f"(?:.*/)?(?:{pattern})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Everything needed to read a published data set.

    Attributes:
        roots: folders under FASTREID_DATASETS that may hold it, its owners' name first. Only the
            first one with images is read.
        train, query, gallery: glob patterns of the folders of images below the root.
        instead: alternative to ``train``; images in both places would be trained on twice.
        pattern: of an image's whole path below the root, with / and without .jpg.
        example: a path that matches.
        described: home page, where the set can be requested.
        terms: the terms of use stated there.
        person: groups of ``pattern`` that together make an identity.
        camera: groups that together make a camera; none means a single camera.
        known: part ("train", "query", "gallery", or "all") -> its published counts.
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
    """A data set of a ``Source``. Sets for training only have no query and no gallery.

    Args:
        root: FastReID's data root.
        kwargs: FastReID's (``combineall`` and so on).

    Raises:
        DataNotFoundError: no image in any of the source's folders.
        UserError: a file name is not in the set's format, or its images are in two places.
    """

    source: Source
    dataset_name = ""

    def __init__(self, root: str = "datasets", **kwargs: Any) -> None:
        name, source = self.dataset_name, self.source
        for folder in (Path(root, candidate) for candidate in source.roots):
            parts = {
                "train": self._training(folder),
                "query": self._read(folder, source.query),
                "gallery": self._read(folder, source.gallery),
            }
            if any(parts.values()):
                break
        else:
            raise self.not_found(Path(root, source.roots[0]))
        for part, known in source.known.items():
            items = list(chain(*parts.values())) if part == "all" else parts[part]
            if items:  # the other parts may be somewhere else, or not wanted
                warn_if_different(name, part, items, known)
        # The prefix keeps the identities of several training sets apart. Interned, because there
        # are millions of images and few names.
        train = [
            (path, sys.intern(f"{name}_{pid}"), sys.intern(f"{name}_{camera}"))
            for path, pid, camera in parts["train"]
        ]
        super().__init__(train, *_numbered(parts["query"], parts["gallery"]), **kwargs)

    @classmethod
    def is_for_training_alone(cls) -> bool:
        """Return whether the set has no test part."""
        return not cls.source.query

    def not_found(self, folder: Path) -> DataNotFoundError:
        """Return the error that names the folder, its expected content and the set's home page."""
        source = self.source
        return DataNotFoundError(
            f"data set {self.dataset_name}: no image in {folder}, such "
            f"as {source.example}.jpg; home page {source.described} ({source.terms}), layout in "
            "datasets/README.md; or set FASTREID_DATASETS to the folder that holds "
            f"{source.roots[0]}"
        )

    def _training(self, root: Path) -> list[Item]:
        """Return the training images, of ``train`` or ``instead``."""
        usual = self._read(root, self.source.train)
        alternative = self._read(root, self.source.instead)
        if usual and alternative:
            folders = (os.path.dirname(items[0][0]) for items in (usual, alternative))
            raise UserError(
                f"data set {self.dataset_name}: images in {' and in '.join(folders)}, which are "
                "two places for the same images; keep one of them"
            )
        return usual or alternative

    def _read(self, root: Path, patterns: Sequence[str]) -> list[Item]:
        """Return the images of all folders that match, by name, without junk (pid -1)."""
        items = []
        folders = {f for pattern in patterns for f in glob.glob(pattern, root_dir=root)}
        for folder in sorted(folders):
            for file in image_names(root / folder):
                path = os.path.normpath(os.path.join(folder, file))
                match = self.source.pattern.fullmatch(os.path.splitext(Path(path).as_posix())[0])
                if match is None:
                    raise UserError(
                        f"{root / path}: not a name of {self.dataset_name} (such as "
                        f"{self.source.example}.jpg); remove files of other sets, see "
                        "datasets/README.md"
                    )
                pid = self._identity(match)
                if pid != str(JUNK_PID):
                    camera = label_of(match, self.source.camera)
                    items.append((os.path.join(root, path), pid, camera))
        return items

    def _identity(self, match: re.Match) -> str:
        return label_of(match, self.source.person)


def label_of(match: re.Match, groups: tuple[str, ...]) -> str:
    """Return the joined groups of a name; numbers lose leading zeros, so 007 equals 7."""
    texts = [match[group] for group in groups]
    numbers = [str(int(t)) if re.fullmatch(r"-?\d+", t, re.ASCII) else t for t in texts]
    return "_".join(numbers) or "0"


def _numbered(*parts: list[Item]) -> list[list[tuple[str, int, int]]]:
    """Return query and gallery with identities and cameras as numbers, as FastReID needs them."""
    cameras = sorted({camera for part in parts for _, _, camera in part})
    number = {camera: index for index, camera in enumerate(cameras)}
    return [[(path, int(pid), number[camera]) for path, pid, camera in part] for part in parts]

"""The GenePerson data set: a folder made by ``tools/geneperson_gen.py``, read by FastReID."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastreid.data.datasets import DATASET_REGISTRY
from fastreid.data.datasets.bases import ImageDataset

from ...errors import DataNotFoundError, UserError
from .folders import register_folders

# pid, camera (scene), lighting, canvas cell, copy: what geneperson writes, and nothing else. Must
# match the whole file name, while FastReID's Market1501 pattern searches the whole path.
_FILE_NAME = re.compile(r"(?!0000_)(\d{4}|[1-9]\d{4,})_c([1-6])s[1-9]_\d{6}_\d{2}\.jpg", re.ASCII)

Item = tuple[str, str | int, str | int]  # path, identity, camera, as FastReID wants them


@DATASET_REGISTRY.register()
class GenePerson(ImageDataset):
    """Virtual pedestrians; the scene acts as the camera.

    Args:
        root: FastReID's data root; the set is in ``root/dataset_dir``.
        kwargs: FastReID's (``combineall`` and so on).

    Raises:
        DataNotFoundError: the set is missing, or its build has not finished.
        UserError: a file name is not in the set's format.
    """

    dataset_dir = "GenePerson"
    dataset_name = "GenePerson"

    def __init__(self, root: str = "datasets", **kwargs: Any) -> None:
        folder = Path(root, self.dataset_dir)
        if not (folder / "dataset.json").is_file():
            unfinished = (folder / ".build").is_dir()
            state = "its build has not finished" if unfinished else "it does not exist"
            raise DataNotFoundError(
                f"data set {self.dataset_name}: no {folder / 'dataset.json'} ({state}); build it "
                "with `geneperson build --config-file FILE --output "
                f"{folder}`, or set FASTREID_DATASETS to the folder that holds it"
            )
        super().__init__(
            lambda: self._training(folder / "bounding_box_train"),
            lambda: _items(folder / "query"),
            lambda: _items(folder / "bounding_box_test"),
            **kwargs,
        )

    def _training(self, folder: Path) -> list[Item]:
        # The prefix keeps the identities of several training sets apart.
        name = self.dataset_name
        return [(path, f"{name}_{pid}", f"{name}_{camera}") for path, pid, camera in _items(folder)]


def _items(folder: Path) -> list[tuple[str, int, int]]:
    """Return (path, pid, camera from 0) of a folder's images, by name; none if it is missing."""
    items = []
    for name in sorted(os.listdir(folder)) if folder.is_dir() else []:
        match = _FILE_NAME.fullmatch(name)
        if match is None:
            raise UserError(
                f"{folder / name}: not a GenePerson file name (0001_c1s3_000017_00.jpg); "
                f"`geneperson verify {folder.parent}` lists every such file"
            )
        items.append((str(folder / name), int(match[1]), int(match[2]) - 1))
    return items


def register_geneperson(directories: Iterable[str]) -> None:
    """Register a data set for each folder under FastReID's root, by the folder's name."""
    register_folders(GenePerson, directories, "DATASETS.GENEPERSON_DIRS")

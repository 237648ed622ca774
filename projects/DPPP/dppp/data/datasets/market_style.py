"""A user's folder in Market-1501's layout as a data set: DATASETS.MARKET_STYLE_DIRS."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastreid.data.datasets.bases import ImageDataset

from ...errors import DataNotFoundError, UserError
from .folders import image_names, register_folders

TRAIN, QUERY, GALLERY = "bounding_box_train", "query", "bounding_box_test"
JUNK_PID = -1  # Market-1501's mark of bad detections

# FastReID's Market1501 reads one digit of the camera, asserts pids up to 1501 and cameras up to 6,
# and searches the whole path. This pattern takes any numbers, and matches the whole file name.
_STEM = re.compile(r"(-?\d+)_c(\d+).*", re.ASCII)


def parse_name(name: str) -> tuple[int, int] | None:
    """Return (2, 12), pid and camera, of ``0002_c12s1_000451_03.jpg``; None for other names."""
    match = _STEM.fullmatch(os.path.splitext(name)[0])
    return (int(match[1]), int(match[2])) if match else None


class MarketStyle(ImageDataset):
    """``<pid>_c<camera>...jpg|jpeg|png`` in bounding_box_train, query and bounding_box_test.

    A part without a folder is empty. As in Market-1501, pid -1 is left out, and pid 0 in
    bounding_box_test is a distractor, which DATASETS.COMBINEALL does not add to training.

    Args:
        root: FastReID's data root; the set is in ``root/dataset_dir``.
        kwargs: FastReID's (``combineall`` and so on).

    Raises:
        DataNotFoundError: none of the three folders exists.
        UserError: an image's name has no identity and camera.
    """

    _junk_pids = [0]
    dataset_dir = ""
    dataset_name = ""

    def __init__(self, root: str = "datasets", **kwargs: Any) -> None:
        folder = Path(root, self.dataset_dir)
        if not any((folder / part).is_dir() for part in (TRAIN, QUERY, GALLERY)):
            raise DataNotFoundError(
                f"data set {self.dataset_name}: no {TRAIN}, {QUERY} or {GALLERY} in {folder}; "
                "create them, or set FASTREID_DATASETS to the folder that holds "
                f"{self.dataset_dir}"
            )
        super().__init__(
            lambda: self._training(folder / TRAIN),
            lambda: _items(folder / QUERY),
            lambda: _items(folder / GALLERY),
            **kwargs,
        )

    def _training(self, folder: Path) -> list[tuple[str, str, str]]:
        # The prefix keeps the identities of several training sets apart.
        name = self.dataset_name
        return [(path, f"{name}_{pid}", f"{name}_{camera}") for path, pid, camera in _items(folder)]


def _items(folder: Path) -> list[tuple[str, int, int]]:
    """Return (path, pid, camera) of a folder's images, by name, without junk."""
    items = []
    for name in image_names(folder):
        labels = parse_name(name)
        if labels is None:
            raise UserError(
                f"{folder / name}: not <pid>_c<camera>... (0002_c1s1_000451_03.jpg); "
                f"`dppp-validate {folder.parent}` lists every such file"
            )
        if labels[0] != JUNK_PID:
            items.append((str(folder / name), *labels))
    return items


def register_market_style(directories: Iterable[str]) -> None:
    """Register a data set for each folder under FastReID's root, by the folder's name."""
    register_folders(MarketStyle, directories, "DATASETS.MARKET_STYLE_DIRS")

"""Image files of a folder, and folders of images as data sets in FastReID's registry."""

import os
from collections.abc import Iterable

from fastreid.data.datasets import DATASET_REGISTRY
from fastreid.data.datasets.bases import ImageDataset
from PIL import Image

from ...errors import UserError

# What Pillow raises for a file it cannot read.
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def image_names(folder: str | os.PathLike) -> list[str]:
    """Return the sorted names of the JPEG and PNG files of a folder; none if it does not exist.

    Hidden files are left out: archives packed on a Mac have a ``._0001.jpg`` next to each image.
    """
    if not os.path.isdir(folder):
        return []
    names = (name for name in os.listdir(folder) if not name.startswith("."))
    return sorted(name for name in names if name.lower().endswith(_IMAGE_SUFFIXES))


def registered(name: str) -> type[ImageDataset] | None:
    """Return the class of that name in FastReID's registry, or None."""
    try:
        return DATASET_REGISTRY.get(name)
    except KeyError:
        return None


def register_folders(base: type[ImageDataset], directories: Iterable[str], key: str) -> None:
    """Register a data set for each folder under FastReID's root, by the folder's name.

    Args:
        base: class of the data sets; ``dataset_dir`` and ``dataset_name`` become the folder's name.
        directories: the folders.
        key: config key that lists them, for the message.

    Raises:
        UserError: the name is taken, or reserved by FastReID.
    """
    for directory in directories:
        name = directory.rstrip("/")
        if name.endswith("_test"):
            raise UserError(
                f"{key}: {name!r} ends in _test, which FastReID reserves for test identities that "
                "COMBINEALL adds to training; rename the folder"
            )
        known = registered(name)
        if known is None:
            attributes = {"dataset_dir": name, "dataset_name": name}
            DATASET_REGISTRY.register(type(name, (base,), attributes))
        elif not issubclass(known, base):
            raise UserError(
                f"{key}: {name!r} is already the name of another data set (one of FastReID's or "
                "DPPP's, or a folder listed under another key); rename the folder"
            )

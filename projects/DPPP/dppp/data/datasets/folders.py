"""Image files of a folder, and folders of images as data sets in FastReID's registry."""

import os
from collections.abc import Iterable

from fastreid.data.datasets import DATASET_REGISTRY
from fastreid.data.datasets.bases import ImageDataset
from PIL import Image

from ...errors import UserError

# Pillow's ways to refuse a file.
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
_MODES = ("RGB", "L")  # three channels, or one that FastReID repeats


def image_names(folder: str | os.PathLike) -> list[str]:
    """Names of the JPEG and PNG files of a folder, sorted; none where there is no such folder.

    Hidden files are left out: archives packed on a Mac have a ``._0001.jpg`` beside each image.
    """
    if not os.path.isdir(folder):
        return []
    names = (name for name in os.listdir(folder) if not name.startswith("."))
    return sorted(name for name in names if name.lower().endswith(_IMAGE_SUFFIXES))


def check_mode(path: str | os.PathLike) -> None:
    """Refuse an image that is neither in colour nor grey (reads the file's header alone).

    Raises:
        UserError: names the file and its kind of pixels.
        UNREADABLE: it cannot be read.
    """
    with Image.open(path) as image:
        if image.mode not in _MODES:
            raise UserError(
                f"{path}: pixels are {image.mode} ({len(image.getbands())} channels); convert it "
                "to RGB, onto a real background where it is transparent"
            )


def registered(name: str) -> type[ImageDataset] | None:
    """The data set class of that name in FastReID's registry, if there is one."""
    try:
        return DATASET_REGISTRY.get(name)
    except KeyError:
        return None


def register_folders(base: type[ImageDataset], directories: Iterable[str], key: str) -> None:
    """Make a data set of each folder under FastReID's root, named as the folder.

    Args:
        base: class of the data sets; its ``dataset_dir`` and ``dataset_name`` become the folder's.
        directories: the folders.
        key: config key that lists them, for the message.

    Raises:
        UserError: another kind of data set has that name.
    """
    for directory in directories:
        name = directory.rstrip("/")
        if name.endswith("_test"):
            raise UserError(
                f"{key}: {name!r} ends in _test, which FastReID gives to people who are added to "
                "training; rename the folder"
            )
        known = registered(name)
        if known is None:
            attributes = {"dataset_dir": name, "dataset_name": name}
            DATASET_REGISTRY.register(type(name, (base,), attributes))
        elif not issubclass(known, base):
            raise UserError(
                f"{key}: {name!r} is the name of another data set already (one of FastReID's or "
                "DPPP's own, or a folder listed under another key); rename the folder"
            )

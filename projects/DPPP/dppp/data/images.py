"""Image files as pixels: opened once, checked, turned upright, in three channels."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps

from ..errors import UserError
from .datasets.folders import UNREADABLE

_MODES = ("RGB", "L")  # three channels, or one that is repeated


def read_image(path: str | os.PathLike) -> Image.Image:
    """Return an image in RGB, rotated as its EXIF data say: the pixels of FastReID's reader.

    FastReID converts nothing, so transparency would become a fourth channel, and indices into a
    palette would become brightness: both are refused.

    Raises:
        UserError: the file cannot be read, or has another kind of pixels.
    """
    with _opened(path) as image:
        image.load()
        try:
            upright = ImageOps.exif_transpose(image)
        except Exception:  # damaged EXIF data, of any kind: FastReID leaves the image as it is
            upright = image
        return upright if upright.mode == "RGB" else upright.convert("RGB")


def num_pixels(path: str | os.PathLike) -> int:
    """Return width times height, from the file's header alone.

    Raises:
        UserError: as ``read_image``, as far as the header shows it.
    """
    with _opened(path) as image:
        return image.width * image.height


@contextmanager
def _opened(path: str | os.PathLike) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            if image.mode not in _MODES:
                raise UserError(
                    f"{path}: pixels are {image.mode} ({len(image.getbands())} channels); convert "
                    "it to RGB, with a background where it is transparent"
                )
            yield image
    except UserError:
        raise
    except UNREADABLE as error:
        raise UserError(
            f"{path}: cannot be read as an image ({error}); replace or remove it"
        ) from None

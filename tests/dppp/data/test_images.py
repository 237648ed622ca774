"""Our reader gives the pixels of FastReID's, and refuses what FastReID would misread."""

from pathlib import Path

import numpy as np
import pytest
from fastreid.data.data_utils import read_image as upstream
from PIL import Image

from dppp import UserError
from dppp.data.images import num_pixels, read_image


@pytest.fixture
def picture() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (40, 20, 3), dtype=np.uint8)
    return Image.fromarray(noise)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_fastreids(
    picture: Image.Image, tmp_path: Path, orientation: int, mode: str, suffix: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"image{suffix}"
    picture.convert(mode).save(path, exif=exif)
    ours, theirs = read_image(path), upstream(str(path))
    assert ours.mode == theirs.mode == "RGB"
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))
    assert num_pixels(path) == 800


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA"])
def test_other_kinds_of_pixels_are_refused(picture: Image.Image, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "image.png"
    picture.convert(mode).save(path)
    for read in (read_image, num_pixels):
        with pytest.raises(UserError, match=f"image.png: pixels are {mode}"):
            read(path)

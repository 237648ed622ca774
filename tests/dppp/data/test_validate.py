"""The check of a folder sees each image as FastReID's loader hands it to training."""

from pathlib import Path

import numpy as np
import pytest
from fastreid.data.data_utils import read_image
from PIL import Image

from dppp.data import describe_dataset

ORIENTATION = 0x0112  # the EXIF tag
UPRIGHT, TURNED = (1, 2, 3, 4), (5, 6, 7, 8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bounding_box_train").mkdir()
    return tmp_path


def save(folder: Path, name: str, size: tuple[int, int], orientation: int) -> Path:
    """An image whose pixels are stored as ``size``, (width, height)."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = folder / "bounding_box_train" / name
    Image.new("RGB", size, "grey").save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", UPRIGHT + TURNED)
def test_sizes_are_those_after_the_orientation_tag(
    folder: Path, suffix: str, orientation: int
) -> None:
    """20 x 40 px is large enough, 40 x 20 px is not."""
    for number, size in enumerate([(20, 40), (40, 20)]):
        save(folder, f"1_c{number}.{suffix}", size, orientation)
    problems = describe_dataset(folder).problems
    bad = 0 if orientation in TURNED else 1
    assert len(problems) == 1
    assert f"/1_c{bad}.{suffix}: 40 x 20 px is too small" in problems[0]


def test_training_turns_images_upright(folder: Path) -> None:
    """What the check relies on: FastReID's reader and ``describe_dataset`` see the same image."""
    path = save(folder, "1_c1.png", (40, 20), 6)
    assert np.asarray(read_image(str(path))).shape == (40, 20, 3)


def test_a_damaged_orientation_tag_hides_no_image(folder: Path) -> None:
    """FastReID reads the image as it is stored."""
    path = save(folder, "1_c1.jpg", (20, 40), 6)
    content = path.read_bytes()
    start = content.index(b"Exif\0\0") + 6
    path.write_bytes(content[:start] + b"\xff" * 8 + content[start + 8 :])
    assert describe_dataset(folder).problems == []


def test_a_turned_image_that_ends_early_is_a_problem(folder: Path) -> None:
    path = save(folder, "1_c1.jpg", (20, 40), 6)
    path.write_bytes(path.read_bytes()[:-150])
    assert "1_c1.jpg: cannot be read as an image" in describe_dataset(folder).problems[0]


def test_an_image_of_too_many_pixels_is_a_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow refuses what may be a decompression bomb with an error of its own."""
    save(folder, "1_c1.png", (20, 40), 1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    problem = describe_dataset(folder).problems[0]
    assert "1_c1.png: cannot be read as an image" in problem and "decompression bomb" in problem

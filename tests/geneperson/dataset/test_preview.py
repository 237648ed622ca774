"""The overview picture of a built set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geneperson import UserError
from geneperson.dataset.preview import preview


def test_one_picture_shows_people_views_scenes_and_lights(pristine: Path, tmp_path: Path) -> None:
    output = tmp_path / "preview.png"
    preview(pristine, output)
    with Image.open(output) as image:
        assert image.format == "PNG"
        page = np.asarray(image.convert("RGB"))
    assert page.shape[0] > 1500 and page.shape[1] > 1000
    assert (page[0] == 255).all()  # a white page
    assert (page != 255).any(axis=2).mean() > 0.15


def test_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a finished data set"):
        preview(tmp_path, tmp_path / "preview.png")
    assert not (tmp_path / "preview.png").exists()


def test_a_missing_picture_is_named(dataset: Path, tmp_path: Path) -> None:
    for file in (dataset / "bounding_box_train").iterdir():
        file.write_bytes(b"")
    with pytest.raises(UserError, match=r"cannot read .*verify"):
        preview(dataset, tmp_path / "preview.png")


def test_a_place_that_cannot_be_written_is_named(pristine: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write the preview"):
        preview(pristine, tmp_path / "missing" / "preview.png")

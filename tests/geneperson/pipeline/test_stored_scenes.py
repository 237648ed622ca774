"""Backgrounds are drawn once, whole or not at all, and read back as they were."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from geneperson import UserError
from geneperson.dataset.layout import LIGHTING_NAMES, SCENE_NAMES
from geneperson.pipeline.stored_scenes import StoredScenes
from geneperson.seeding import rng

NUM_PICTURES = len(SCENE_NAMES) * len(LIGHTING_NAMES)


class Painter:
    """Paints noise; stops as if killed after a number of pictures."""

    def __init__(self, stop_after: int = 10**6) -> None:
        self.painted: list[tuple[str, str, int]] = []
        self._stop_after = stop_after

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        if len(self.painted) == self._stop_after:
            raise KeyboardInterrupt
        self.painted.append((scene, lighting, index))
        return rng(0, scene, lighting, index).integers(0, 256, (12, 16, 3), np.uint8)


def test_pictures_come_back_as_they_were(tmp_path: Path) -> None:
    scenes, painter = StoredScenes(tmp_path / "scenes"), Painter()
    scenes.paint_missing(painter, 2)
    assert len(set(painter.painted)) == len(painter.painted) == 2 * NUM_PICTURES
    for place in painter.painted:
        assert np.array_equal(scenes.background(*place), Painter().background(*place))
    scenes.paint_missing(Painter(stop_after=0), 2)  # nothing is missing


def test_only_missing_pictures_are_drawn_after_a_stop(tmp_path: Path) -> None:
    scenes, first, second = StoredScenes(tmp_path), Painter(stop_after=7), Painter()
    with pytest.raises(KeyboardInterrupt):
        scenes.paint_missing(first, 1)
    assert len(list(tmp_path.iterdir())) == 7
    scenes.paint_missing(second, 1)
    assert len(second.painted) == NUM_PICTURES - 7
    assert not set(first.painted) & set(second.painted)


def test_half_a_picture_is_drawn_again(tmp_path: Path) -> None:
    """A kill while writing leaves a file of another name, which is never read."""
    scenes, painter = StoredScenes(tmp_path), Painter()
    (tmp_path / ".street_day_000.png.tmp").write_bytes(b"half")
    scenes.paint_missing(painter, 1)
    assert len(painter.painted) == NUM_PICTURES
    assert {path.suffix for path in tmp_path.iterdir()} == {".png"}


def test_pictures_are_files_that_people_can_open(tmp_path: Path) -> None:
    scenes = StoredScenes(tmp_path)
    scenes.paint_missing(Painter(), 1)
    name = f"{SCENE_NAMES[0]}_{LIGHTING_NAMES[0]}_000.png"
    place = (SCENE_NAMES[0], LIGHTING_NAMES[0], 0)
    assert np.array_equal(
        cv2.imread(str(tmp_path / name))[:, :, ::-1], Painter().background(*place)
    )


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    path = tmp_path / f"{SCENE_NAMES[0]}_{LIGHTING_NAMES[0]}_000.png"
    for content in (b"no picture", b""):
        path.write_bytes(content)
        with pytest.raises(UserError, match=rf"{path.name} is not a picture; delete it"):
            StoredScenes(tmp_path).background(SCENE_NAMES[0], LIGHTING_NAMES[0], 0)

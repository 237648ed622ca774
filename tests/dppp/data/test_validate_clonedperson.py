"""ClonedPerson's folder is checked as Market-1501's is: scene and camera together are a camera."""

from pathlib import Path

import pytest
from PIL import Image

from dppp import UserError
from dppp.data import describe_dataset
from dppp.data.datasets.counts import Counts

GOOD = (
    "train/700000_s02_c00_f023389.jpg",
    "train/700000_s06_c00_f023413.jpg",
    "test/query/705227_s02_c02_f001117.jpg",
    "test/gallery/705227_s06_c02_f005521.jpg",
    "test/gallery/-1_s06_c02_f005521.jpg",
)


def draw(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 64)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in GOOD:
        draw(tmp_path / "clonedperson" / name)
    return tmp_path / "clonedperson"


def test_a_good_folder(folder: Path) -> None:
    """Camera 2 of another scene is another camera, so the query counts; junk does not."""
    report = describe_dataset(folder)
    assert report.problems == []
    assert report.counts == {
        "train": Counts(images=2, identities=1, cameras=2),
        "test/query": Counts(images=1, identities=1, cameras=1),
        "test/gallery": Counts(images=1, identities=1, cameras=1),
    }
    assert report.notes == [
        "all parts: 4 images (published: 887,766)",
        "all parts: 2 identities (published: 5,621)",
    ]


def test_the_test_part_alone(folder: Path) -> None:
    for path in (folder / "train").iterdir():
        path.unlink()
    (folder / "train").rmdir()
    report = describe_dataset(folder)
    assert report.problems == [] and list(report.counts) == ["test/query", "test/gallery"]


def test_each_problem_is_found(folder: Path) -> None:
    draw(folder / "test/query/0003_c1s1_000451_03.jpg")
    draw(folder / "test/query/705228_s02_c02_f1.jpg")
    draw(folder / "test/gallery/700000_s02_c02_f1.jpg")
    (folder / "train/700001_s02_c00_f1.jpg").write_bytes(b"")
    assert [line.split(":")[0] for line in describe_dataset(folder).problems] == [
        str(folder / "train/700001_s02_c00_f1.jpg"),
        "test/query/0003_c1s1_000451_03.jpg",
        "test/query/705228_s02_c02_f1.jpg",
        "trained on and tested on",
    ]


def test_a_part_is_not_the_folder(folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"nor ClonedPerson's test/query or .*name the folder above"
    ):
        describe_dataset(folder / "train")

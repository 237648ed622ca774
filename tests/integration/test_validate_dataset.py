"""tools/validate_dataset.py as users run it: in its own process, from another folder."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import processes
from dppp import UserError
from dppp.data import describe_dataset
from dppp.data.datasets.counts import Counts
from helpers import ROOT

TOOL = ROOT / "tools" / "validate_dataset.py"
TRAIN, QUERY, GALLERY = "bounding_box_train", "query", "bounding_box_test"
GOOD = {
    TRAIN: ("0001_c1s1_1.jpg", "0001_c12s1_1.png", "0002_c1_1.jpg", "0002_c2_1.jpg"),
    QUERY: ("0003_c1_1.jpg", "0004_c2_1.jpg"),
    GALLERY: ("0003_c2_1.jpg", "0004_c1_1.jpg", "0000_c1_1.jpg", "0000_c2_1.jpg", "-1_c1_1.jpg"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with nothing wrong in it."""
    for part, names in GOOD.items():
        for name in names:
            draw(tmp_path / "Own" / part / name)
    return tmp_path / "Own"


def draw(path: Path, size: tuple[int, int] = (32, 64), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 0 if mode == "P" else "grey").save(path)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return processes.run(TOOL, *arguments, cwd=Path("/"))


def test_a_good_folder(folder: Path) -> None:
    report = describe_dataset(folder)
    assert report.problems == report.notes == []
    assert report.counts == {
        TRAIN: Counts(images=4, identities=2, cameras=3),
        QUERY: Counts(images=2, identities=2, cameras=2),
        GALLERY: Counts(
            images=4, identities=3, cameras=2
        ),  # pid 0 (distractors) counts, pid -1 does not
    }


def test_the_tool_on_a_good_and_on_a_damaged_folder(folder: Path) -> None:
    result = run(folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert "| bounding_box_train |        4 |            2 |         3 |" in result.stdout
    assert result.stdout.endswith("\n0 problem(s)\n")

    draw(folder / TRAIN / "0003_c1_9.jpg")
    (folder / TRAIN / "strange\udce4.jpg").write_bytes(b"")
    result = run(folder)
    assert result.returncode == 1
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert "problem: trained on and tested on: 1 identity (3)" in lines
    assert any(line.startswith("problem: bounding_box_train/strange") for line in lines)
    assert lines[-1] == "2 problem(s)"


def test_a_mistake_is_one_line() -> None:
    result = run()
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1


def test_a_part_is_not_the_folder(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no bounding_box_train.*name the folder above"):
        describe_dataset(folder / TRAIN)
    with pytest.raises(UserError, match="nope: no bounding_box_train"):
        describe_dataset(folder / "nope")


def truncate(path: Path) -> None:
    Image.effect_noise((32, 64), 90).save(path)
    path.write_bytes(path.read_bytes()[:-400])  # its header is intact


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda f: draw(f / TRAIN / "person.jpg"), "bounding_box_train/person.jpg: not <pid>"),
        (lambda f: truncate(f / QUERY / "0003_c1_2.jpg"), "query/0003_c1_2.jpg: cannot be read"),
        (lambda f: (f / TRAIN / "0001_c1_2.png").touch(), "0001_c1_2.png: cannot be read"),
        (lambda f: draw(f / TRAIN / "0001_c1_2.jpg", (15, 64)), "0001_c1_2.jpg: 15 x 64 px is too"),
        (lambda f: draw(f / TRAIN / "0001_c1_2.jpg", (64, 31)), "0001_c1_2.jpg: 64 x 31 px is too"),
        (lambda f: draw(f / TRAIN / "0001_c1_2.png", mode="RGBA"), "are RGBA (4 channels)"),
        (lambda f: draw(f / TRAIN / "0001_c1_2.jpg", mode="CMYK"), "are CMYK (4 channels)"),
        (lambda f: draw(f / TRAIN / "0001_c1_2.png", mode="P"), "are P (1 channels)"),
        (lambda f: draw(f / QUERY / "0005_c1_1.jpg"), "query/0005_c1_1.jpg: no image of"),
        (lambda f: draw(f / QUERY / "0001_c1_1.jpg"), "trained on and tested on: 1 identity (1)"),
        (lambda f: draw(f / GALLERY / "0001_c1_1.jpg"), "trained on and tested on: 1 identity (1)"),
        (lambda f: [p.unlink() for p in (f / GALLERY).iterdir()], "bounding_box_test: no image"),
    ],
)  # fmt: skip
def test_each_problem_is_found(folder: Path, spoil: Callable[[Path], object], problem: str) -> None:
    spoil(folder)
    problems = describe_dataset(folder).problems
    assert any(problem in line for line in problems), problems
    assert all("\n" not in line for line in problems)


def test_a_match_by_the_same_camera_does_not_count(folder: Path) -> None:
    (folder / GALLERY / "0003_c2_1.jpg").rename(folder / GALLERY / "0003_c1_7.jpg")
    report = describe_dataset(folder)
    assert len(report.problems) == 1
    assert "query/0003_c1_1.jpg: no image of identity 3 by another camera" in report.problems[0]
    assert report.notes == ["query and bounding_box_test: seen by one camera only: 1 identity (3)"]


def test_a_test_needs_query_and_gallery_but_training_does_not(folder: Path) -> None:
    for path in (folder / GALLERY).iterdir():
        path.unlink()
    (folder / GALLERY).rmdir()
    assert describe_dataset(folder).problems == [
        "2 images in query and 0 in bounding_box_test; a test needs both"
    ]
    for path in (folder / QUERY).iterdir():
        path.unlink()
    (folder / QUERY).rmdir()
    assert describe_dataset(folder).problems == []


def test_weak_training_identities_are_notes(folder: Path) -> None:
    for pid in range(10, 22):
        draw(folder / TRAIN / f"{pid}_c1_1.jpg")
    draw(folder / TRAIN / "10_c1_2.jpg")
    report = describe_dataset(folder)
    assert report.problems == []
    assert report.notes == [
        "bounding_box_train: seen by one camera only: 12 identities "
        "(10, 11, 12, 13, 14, 15, 16, 17, 18, 19, ...)",
        "bounding_box_train: a single image, repeated in a batch: 11 identities "
        "(11, 12, 13, 14, 15, 16, 17, 18, 19, 20, ...)",
    ]


def test_a_generated_set_has_no_problem(data_root: Path) -> None:
    assert describe_dataset(data_root / "GenePersonToy").problems == []

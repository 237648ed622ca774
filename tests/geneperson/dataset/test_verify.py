"""Whatever is done to a finished set, verify names the file."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest

from geneperson import UserError, verify
from geneperson.dataset.layout import (
    DATASET,
    GALLERY,
    IDENTITIES,
    IMAGES,
    QUERY,
    IdentityRow,
    ImageRow,
    read_rows,
    sha256,
    to_jsonl,
)
from geneperson.dataset.verify_rows import check_held_out, check_identities, check_rows


def image(root: Path, folder: str = "bounding_box_train", number: int = 2) -> str:
    """Pick an image of the set."""
    path = sorted((root / folder).iterdir())[number]
    return f"{folder}/{path.name}"


def assert_names(problems: list[str], *parts: str) -> None:
    """Find the parts together in one line."""
    assert any(all(part in line for part in parts) for line in problems), problems


def test_good_set_has_no_problems(pristine: Path) -> None:
    assert verify(pristine) == []


def test_every_flipped_byte_is_found(dataset: Path) -> None:
    file = image(dataset)
    content = (dataset / file).read_bytes()
    for position in (0, 25, len(content) // 2, len(content) - 1):
        spoiled = bytearray(content)
        spoiled[position] ^= 1
        (dataset / file).write_bytes(spoiled)
        problems = verify(dataset)
        assert len(problems) == 1
        assert problems[0].startswith(f"{file}: altered")


def test_truncated_image(dataset: Path) -> None:
    file = image(dataset, QUERY, 0)
    (dataset / file).write_bytes((dataset / file).read_bytes()[:-200])
    problems = verify(dataset)
    assert len(problems) == 1
    assert_names(problems, file, "truncated")


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_no_image_at_all(dataset: Path, content: bytes) -> None:
    file = image(dataset)
    (dataset / file).write_bytes(content)
    assert_names(verify(dataset), file, "not a JPEG")


def test_missing_image(dataset: Path) -> None:
    file = image(dataset)
    (dataset / file).unlink()
    assert verify(dataset) == [f"{file}: missing"]


@pytest.mark.parametrize(
    "file",
    [
        "bounding_box_train/0001_c1s1_000999_00.jpg",
        "bounding_box_train/Thumbs.db",
        "bounding_box_train/more/0001_c1s1_000000_00.jpg",
        "notes.txt",
        "query/.hidden",
        ".images.jsonl.tmp",
    ],
)
def test_extra_file(dataset: Path, file: str) -> None:
    (dataset / file).parent.mkdir(exist_ok=True)
    (dataset / file).write_bytes(b"x")
    problems = verify(dataset)
    assert len(problems) == 1
    assert_names(problems, file, "extra")


def test_link_to_nowhere(dataset: Path) -> None:
    (dataset / QUERY / "0001_c1s1_000000_00.jpg").symlink_to("nowhere")
    assert_names(verify(dataset), "query/0001_c1s1_000000_00.jpg", "extra")


@pytest.mark.parametrize("new", ["bounding_box_train/0009_c1s1_000000_00.jpg", "query/x.jpg"])
def test_renamed_image_is_named_with_its_old_name(dataset: Path, new: str) -> None:
    file = image(dataset)
    (dataset / file).rename(dataset / new)
    assert verify(dataset) == [f"{new}: renamed, images.jsonl has it as {file}"]


def test_swapped_images(dataset: Path) -> None:
    first, second = image(dataset, number=0), image(dataset, number=1)
    (dataset / first).rename(dataset / "swap")
    (dataset / second).rename(dataset / first)
    (dataset / "swap").rename(dataset / second)
    problems = verify(dataset)
    assert_names(problems, first, "altered")
    assert_names(problems, second, "altered")


def test_deleted_line_names_the_image_and_the_table(dataset: Path) -> None:
    lines = (dataset / IMAGES).read_bytes().splitlines(keepends=True)
    file = json.loads(lines[4])["file"]
    (dataset / IMAGES).write_bytes(b"".join(lines[:4] + lines[5:]))
    problems = verify(dataset)
    assert_names(problems, file, "extra", "no line")
    assert_names(problems, IMAGES, "altered")
    assert_names(problems, DATASET, "images are")
    assert_names(problems, DATASET, "digest")


@pytest.mark.parametrize("table", [IMAGES, IDENTITIES])
def test_malformed_line(dataset: Path, table: str) -> None:
    lines = (dataset / table).read_bytes().splitlines(keepends=True)
    lines[1] = lines[1][: len(lines[1]) // 2] + b"\n"
    (dataset / table).write_bytes(b"".join(lines))
    assert_names(verify(dataset), f"{table}: line 2")


@pytest.mark.parametrize("file", [IMAGES, IDENTITIES, "README.md"])
def test_missing_table_or_card(dataset: Path, file: str) -> None:
    (dataset / file).unlink()
    assert_names(verify(dataset), f"{file}: missing")


@pytest.mark.parametrize("file", [IMAGES, IDENTITIES, "README.md"])
def test_altered_table_or_card(dataset: Path, file: str) -> None:
    content = (dataset / file).read_bytes()
    (dataset / file).write_bytes(content.replace(b"front", b"fronx", 1).replace(b"a", b"b", 1))
    assert_names(verify(dataset), f"{file}: altered")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(digest="00"), "digest"),
        (lambda content: content["images"].update(query=0), "images are"),
        (lambda content: content["identities"].update(train=4), "identities are"),
        (lambda content: content.update(format=99), "format is 99"),
        (lambda content: content["configuration"]["CANVAS"].update(CELL_SIZE=[64, 64]), "size"),
    ],
)
def test_wrong_dataset_json(dataset: Path, change: Callable, message: str) -> None:
    content = json.loads((dataset / DATASET).read_text())
    change(content)
    (dataset / DATASET).write_text(json.dumps(content))
    assert_names(verify(dataset), message)


def test_any_other_entry_of_dataset_json(dataset: Path) -> None:
    text = (dataset / DATASET).read_text()
    (dataset / DATASET).write_text(text.replace('"SEED": 0', '"SEED": 1'))
    assert verify(dataset) == [f"{DATASET}: altered, its own sha256 differs"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_unreadable_dataset_json(dataset: Path, text: str) -> None:
    (dataset / DATASET).write_text(text)
    assert_names(verify(dataset), DATASET)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda pixels: cv2.resize(pixels, (64, 64)), "size is 64 x 64, must be 128 x 64"),
        (lambda pixels: cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), "mode is L, must be RGB"),
    ],
)
def test_image_of_wrong_size_or_channels(dataset: Path, make: Callable, message: str) -> None:
    """The tables agree with the image here, so only looking at it can tell."""
    file = image(dataset)
    cv2.imwrite(str(dataset / file), make(cv2.imread(str(dataset / file))))
    digest = sha256((dataset / file).read_bytes())
    rows = read_rows(dataset, ImageRow, [])
    rows = [replace(row, sha256=digest) if row.file == file else row for row in rows]
    (dataset / IMAGES).write_bytes(to_jsonl(rows))
    assert_names(verify(dataset), file, message)


def test_links_and_empty_folders(dataset: Path, tmp_path: Path) -> None:
    file = image(dataset)
    (dataset / file).rename(tmp_path / "elsewhere.jpg")
    (dataset / file).symlink_to(tmp_path / "elsewhere.jpg")
    (dataset / "notes").mkdir()
    problems = verify(dataset)
    assert_names(problems, file, "a link")
    assert_names(problems, "notes: extra")


def test_empty_folder_and_unfinished_build(tmp_path: Path) -> None:
    assert_names(verify(tmp_path), f"{DATASET}: missing")
    (tmp_path / ".build").mkdir()
    assert_names(verify(tmp_path), "unfinished build")


@pytest.mark.parametrize("name", ["none", "file"])
def test_not_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"{name} is not a folder"):
        verify(tmp_path / name)


def row(file: str, scene: str = "street", pid: int = 1, **more: Any) -> ImageRow:
    values: dict[str, Any] = {
        "lighting": "day",
        "drawn_lighting": "neutral",
        "background": "street_day_000",
        "cell": 0,
        "view": "front",
        "mask_area": 0.2,
        "sha256": "00",
    }
    return ImageRow(file=file, pid=pid, scene=scene, **(values | more))


def person(pid: int, split: str = "train", prompt: str = "") -> IdentityRow:
    return IdentityRow(
        pid=pid,
        split=split,
        candidate=pid,
        attributes={},
        prompt=prompt or f"person {pid}",
        negative_prompt="",
        seed=0,
    )


GOOD = row("bounding_box_train/0001_c1s1_000000_00.jpg")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GOOD], None),
        ([replace(GOOD, scene="park")], "camera is 'street' by its name but 'park'"),
        ([replace(GOOD, lighting="night")], "lighting is 'day' by its name but 'night'"),
        ([replace(GOOD, cell=3)], "cell is 0 by its name but 3"),
        ([replace(GOOD, pid=2)], "pid is 1 by its name but 2"),
        ([replace(GOOD, file="bounding_box_train/1_c1s1_000000_00.jpg")], "not a file name"),
        ([replace(GOOD, file="train/0001_c1s1_000000_00.jpg")], "not a file name"),
        ([replace(GOOD, file="query/0001_c1s1_000000_00.jpg")], "pid 1 belongs to 'train'"),
        ([row("bounding_box_train/0003_c1s1_000000_00.jpg", pid=3)], "belongs to 'test'"),
        ([row("bounding_box_train/0004_c1s1_000000_00.jpg", pid=4)], "missing in identities"),
        ([GOOD, GOOD], "several lines"),
    ],
)
def test_rows_against_names(rows: list[ImageRow], message: str | None) -> None:
    problems = check_rows([person(1), person(2), person(3, "test")], rows)
    if message is None:
        assert problems == []
    else:
        assert_names(problems, rows[-1].file, message)


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([person(1)], None),
        ([person(1), person(1, "test")], "pid 1 is in train and in test"),
        ([person(1), person(1)], "pid 1 has 2 lines"),
        ([person(1), person(2)], "pid 2 has no images"),
        ([person(1, "val")], "pid 1 has unknown split 'val'"),
        ([person(1, prompt="x"), person(2, prompt="x")], "pids 1 and 2 have the same prompt"),
    ],
)
def test_identities(people: list[IdentityRow], message: str | None) -> None:
    problems = check_identities(people, [GOOD])
    if message is None:
        assert problems == []
    else:
        assert_names(problems, IDENTITIES, message)


def held_out(*places: tuple[str, str]) -> list[ImageRow]:
    return [row(f"{folder}/{number}.jpg", scene) for number, (folder, scene) in enumerate(places)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (held_out((QUERY, "street"), (GALLERY, "park")), None),
        (held_out((QUERY, "street"), (GALLERY, "park"), (GALLERY, "street")), None),
        (held_out((QUERY, "street"), (GALLERY, "street")), "one camera only"),
        (held_out((QUERY, "street"), (QUERY, "park"), (GALLERY, "park")), "1.jpg: a query without"),
        (held_out((QUERY, "street"), (QUERY, "park")), "0.jpg: a query without"),
        (held_out((GALLERY, "street"), (GALLERY, "park")), "pid 1 has no query"),
    ],
)
def test_held_out_identities_can_be_evaluated(rows: list[ImageRow], message: str | None) -> None:
    problems = check_held_out([GOOD, *rows])
    if message is None:
        assert problems == []
    else:
        assert_names(problems, message)


@pytest.mark.parametrize("file", ["images.jsonl", "identities.jsonl", "dataset.json"])
def test_a_folder_in_place_of_a_file(dataset: Path, file: str) -> None:
    (dataset / file).unlink()
    (dataset / file).mkdir()
    assert any(problem.startswith(f"{file}: ") for problem in verify(dataset))


@pytest.mark.parametrize("file", ["images.jsonl", "dataset.json"])
def test_json_that_is_nested_too_deep(dataset: Path, file: str) -> None:
    (dataset / file).write_text("[" * 200_000)
    assert any(problem.startswith(f"{file}: ") for problem in verify(dataset))


def test_a_header_that_promises_a_huge_picture(dataset: Path) -> None:
    path = next((dataset / "bounding_box_train").iterdir())
    content = bytearray(path.read_bytes())
    start = content.index(b"\xff\xc0") + 5  # height and width of the frame
    content[start : start + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert any(path.name in problem for problem in verify(dataset))

"""Names, rows and digest: the folder contract."""

import hashlib
from pathlib import Path

import pytest

from geneperson.dataset.layout import (
    LIGHTING_NAMES,
    SCENE_NAMES,
    IdentityRow,
    ImageName,
    ImageRow,
    parse_name,
    read_rows,
    set_digest,
    to_jsonl,
)

IMAGE = ImageRow(
    file="query/0001_c1s3_000017_00.jpg",
    pid=1,
    scene="street",
    lighting="noon",
    drawn_lighting="neutral",
    background="street_noon_000",
    cell=17,
    view="front-left",
    mask_area=0.2,
    sha256="ab" * 32,
)
IDENTITY = IdentityRow(
    pid=1,
    split="test",
    candidate=4,
    attributes={"gender": "woman"},
    prompt="a prompt",
    negative_prompt="not this",
    seed=99,
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (ImageName(pid=1, camera=1, lighting=3, cell=17), "0001_c1s3_000017_00.jpg"),
        (ImageName(pid=9999, camera=6, lighting=9, cell=0), "9999_c6s9_000000_00.jpg"),
        (ImageName(pid=12345, camera=2, lighting=1, cell=41, copy=7), "12345_c2s1_000041_07.jpg"),
    ],
)
def test_names_there_and_back(name: ImageName, text: str) -> None:
    assert str(name) == text
    assert parse_name(text) == name


def test_only_the_base_name_is_read() -> None:
    # a loader that searches the whole path would read pid 2026, camera 3 here
    assert parse_name("/runs/2026_c3s1_exp/0002_c1s1_000000_00.jpg") == ImageName(
        pid=2, camera=1, lighting=1, cell=0
    )


@pytest.mark.parametrize(
    "text",
    [
        "0000_c1s3_000017_00.jpg",
        "001_c1s3_000017_00.jpg",
        "00001_c1s3_000017_00.jpg",
        "-001_c1s3_000017_00.jpg",
        "0001_c7s3_000017_00.jpg",
        "0001_c12s3_000017_00.jpg",
        "0001_c0s3_000017_00.jpg",
        "0001_c1s0_000017_00.jpg",
        "0001_c1s3_17_00.jpg",
        "0001_c1s3_000017_00.png",
        "0001_c1s3_000017_00.jpg.jpg",
        "x0001_c1s3_000017_00.jpg",
        "0001_c1s3_000017_00.jpg\n",
        "\u0660\u0660\u0660\u0661_c1s3_000017_00.jpg",
        "",
    ],
)
def test_other_names_are_refused(text: str) -> None:
    assert parse_name(text) is None


def test_six_cameras_and_nine_lightings() -> None:
    assert SCENE_NAMES == ("street", "commercial", "park", "field", "residential", "indoor")
    assert len(set(LIGHTING_NAMES)) == 9


def test_rows_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "images.jsonl").write_bytes(to_jsonl([IMAGE, IMAGE]))
    (tmp_path / "identities.jsonl").write_bytes(to_jsonl([IDENTITY]))
    problems: list[str] = []
    assert read_rows(tmp_path, ImageRow, problems) == [IMAGE, IMAGE]
    assert read_rows(tmp_path, IdentityRow, problems) == [IDENTITY]
    assert problems == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"file"', "line 2 is not JSON"),
        (b"\xff\xfe", "line 2 is not JSON"),
        (b"", "line 2 is not JSON"),
        (b"[1]", "line 2 must have the keys file, pid"),
        (b'{"file": "a"}', "line 2 must have the keys file, pid"),
        (to_jsonl([IMAGE]).strip().replace(b'"pid": 1', b'"pid": "1"'), "wrong type in pid"),
    ],
)
def test_bad_lines_are_named_and_the_others_read(tmp_path: Path, line: bytes, message: str) -> None:
    good = to_jsonl([IMAGE])
    (tmp_path / "images.jsonl").write_bytes(good + line + b"\n" + good)
    problems: list[str] = []
    assert read_rows(tmp_path, ImageRow, problems) == [IMAGE, IMAGE]
    assert len(problems) == 1
    assert problems[0].startswith("images.jsonl: line 2") and message in problems[0]


def test_digest_is_that_of_the_sorted_lines() -> None:
    expected = hashlib.sha256(b"a.jpg 11\nb.jpg 22\n").hexdigest()
    assert set_digest({"b.jpg": "22", "a.jpg": "11"}) == expected

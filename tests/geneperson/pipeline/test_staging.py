"""Candidates are staged whole or not at all, and one build at a time holds the folder."""

from pathlib import Path

import pytest

from geneperson import UserError
from geneperson.files import sha256
from geneperson.pipeline.candidate import Candidate, Drawn
from geneperson.pipeline.staging import Staging
from geneperson.worlds.scenes import Place

GOOD = Candidate(
    index=12,
    images=[
        Drawn(
            cell=0,
            view="front",
            drawn_under="neutral",
            place=Place(scene=2, lighting=5, picture=1),
            mask_area=0.25,
            jpeg=b"first",
        ),
        Drawn(
            cell=3,
            view="back",
            drawn_under="lamplight",
            place=Place(scene=0, lighting=8, picture=0),
            mask_area=0.5,
            jpeg=b"second",
        ),
    ],
    rejected={1: "cut off", 2: "too small"},
)
BAD = Candidate(index=13, rejected={0: "no person"})


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    staging = Staging(tmp_path)
    staging.root.mkdir()
    staging.open({"a": 1})
    return staging


def test_candidates_there_and_back(staging: Staging) -> None:
    written = [staging.write(GOOD), staging.write(BAD)]
    assert [staging.read(12), staging.read(13)] == written
    assert staging.indices() == {12, 13}
    assert written[0].rejected == GOOD.rejected and written[1].images == ()
    assert [image.sha256 for image in written[0].images] == [sha256(b"first"), sha256(b"second")]
    assert staging.image(12, 3).read_bytes() == b"second"


def test_half_written_candidates_do_not_count_and_are_cleared(staging: Staging) -> None:
    half = staging.root / "identities" / "000007.tmp"
    half.mkdir()
    (half / "000000.jpg").write_bytes(b"fir")
    assert staging.indices() == set()
    staging.open({"a": 1})
    assert not half.exists()


def test_failed_write_leaves_nothing(staging: Staging) -> None:
    (staging.root / "identities" / "000012").mkdir()
    (staging.root / "identities" / "000012" / "in the way").touch()
    with pytest.raises(OSError):
        staging.write(GOOD)
    assert not list(staging.root.rglob("*.tmp"))


def test_damaged_record_is_named(staging: Staging) -> None:
    staging.write(GOOD)
    record = staging.root / "identities" / "000012" / "record.json"
    record.write_text(record.read_text()[:-10])
    with pytest.raises(UserError, match=r"record\.json is damaged"):
        staging.read(12)


def test_one_build_at_a_time(tmp_path: Path) -> None:
    with Staging(tmp_path).lock():
        with pytest.raises(UserError, match="another build"), Staging(tmp_path).lock():
            pass
    with Staging(tmp_path).lock():
        pass


def test_settings_there_and_back(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    assert staging.read_settings() is None
    staging.root.mkdir()
    staging.open({"a": {"b": 1}})
    assert staging.read_settings() == {"a": {"b": 1}}

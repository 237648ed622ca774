"""What a set is made from: a digest of all the code, and where two descriptions differ."""

from __future__ import annotations

import shutil
from pathlib import Path

import geneperson
from geneperson.pipeline.provenance import code_digest, difference

PACKAGE = Path(geneperson.__file__).parent


def test_a_change_in_any_sub_package_changes_the_code_digest(tmp_path: Path) -> None:
    copy = tmp_path / "geneperson"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = code_digest(copy)
    assert before == code_digest(), "the whole package counts, wherever it is"
    folders = sorted({path.parent for path in copy.rglob("*.py")})
    names = {folder.relative_to(copy).as_posix() for folder in folders}
    assert names >= {".", "pipeline", "posing", "prompting/interview", "synthesis/procedural"}
    for folder in folders:
        path = max(folder.glob("*.py"))
        content = path.read_bytes()
        path.write_bytes(content + b"\n# changed\n")
        assert code_digest(copy) != before, folder
        path.write_bytes(content)
        renamed = path.rename(path.with_name("renamed.py"))
        assert code_digest(copy) != before, folder
        renamed.rename(path)
    assert code_digest(copy) == before


def test_the_first_difference_is_named_by_its_key() -> None:
    ours = {"configuration": {"SEED": 0, "QUALITY": {"MIN_CELLS": 4}}, "vocabulary_sha256": "a"}
    assert difference(ours, ours) is None
    theirs = ours | {"configuration": {"SEED": 0, "QUALITY": {"MIN_CELLS": 3}}}
    assert difference(theirs, ours) == "QUALITY.MIN_CELLS 3, not 4"
    assert difference(ours | {"vocabulary_sha256": "b"}, ours) == "vocabulary_sha256 'b', not 'a'"
    assert difference({}, {"poses_sha256": "a"}) == "poses_sha256 None, not 'a'"

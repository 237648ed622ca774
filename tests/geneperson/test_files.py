"""A file is whole or missing."""

from pathlib import Path

import pytest

from geneperson.files import write_atomic


def test_atomic_writing_leaves_nothing_next_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_atomic(tmp_path / "folder", b"x")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "folder"]

"""A file is whole or missing."""

from pathlib import Path

import pytest

from geneperson.files import write_atomic, write_folder_atomic


def test_atomic_writing_leaves_nothing_next_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_atomic(tmp_path / "folder", b"x")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "folder"]


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(OSError):
        write_folder_atomic(folder, {"a": b"1", "missing/b": b"2"})
    assert not list(tmp_path.iterdir())
    write_folder_atomic(folder, {"a": b"1", "b": b"2"})
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {"a": b"1", "b": b"2"}
    with pytest.raises(OSError):
        write_folder_atomic(folder, {"a": b"3"})
    assert (folder / "a").read_bytes() == b"1" and list(tmp_path.iterdir()) == [folder]

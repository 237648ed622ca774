"""File names of the folder contract: what geneperson writes, dppp reads, and nothing else.

The packages must not import each other, so each has its own pattern.
"""

from itertools import product
from pathlib import Path

import pytest

from dppp import UserError
from dppp.data import GenePerson
from dppp.data.datasets import market_style
from geneperson.dataset.layout import ImageName, parse_name

NAMES = [
    ImageName(pid=pid, camera=camera, lighting=lighting, cell=cell, copy=copy)
    for (pid, cell, copy), camera, lighting in product(
        ((1, 0, 0), (17, 5, 1), (9999, 999_999, 99), (10_000, 41, 7), (123_456, 1, 10)),
        range(1, 7),
        range(1, 10),
    )
]
REFUSED = [
    "0000_c1s3_000017_00.jpg",
    "001_c1s3_000017_00.jpg",
    "00001_c1s3_000017_00.jpg",
    "-001_c1s3_000017_00.jpg",
    "0001_c0s3_000017_00.jpg",
    "0001_c7s3_000017_00.jpg",
    "0001_c12s3_000017_00.jpg",
    "0001_c1s0_000017_00.jpg",
    "0001_c1s3_17_00.jpg",
    "0001_c1s3_000017.jpg",
    "0001_c1s3_000017_00.png",
    "0001_c1s3_000017_00.jpg.jpg",
    "0001_c1s3_000017_00.jpg\n",
    "x0001_c1s3_000017_00.jpg",
    "\u0660\u0660\u0660\u0661_c1s3_000017_00.jpg",
]


def read(root: Path, names: list[str]) -> GenePerson:
    """Open a finished set whose queries have these names."""
    query = root / "GenePerson" / "query"
    query.mkdir(parents=True)
    (query.parent / "dataset.json").touch()
    for name in names:
        (query / name).touch()
    return GenePerson(root=str(root))


def test_every_name_of_the_contract_is_read_with_the_same_labels(tmp_path: Path) -> None:
    dataset = read(tmp_path, [str(name) for name in NAMES])
    assert {(Path(path).name, pid, camera + 1) for path, pid, camera in dataset.query} == {
        (str(name), name.pid, name.camera) for name in NAMES
    }


def test_other_readers_of_market_names_get_the_same_labels() -> None:
    for name in NAMES:
        assert market_style.parse_name(str(name)) == (name.pid, name.camera)


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_contract_refuses_is_not_read(name: str, tmp_path: Path) -> None:
    assert parse_name(name) is None
    with pytest.raises(UserError, match="not a GenePerson file name"):
        _ = read(tmp_path, [name]).query

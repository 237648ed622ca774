"""Generated folders as FastReID data sets."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.config import CfgNode

from dppp import UserError
from dppp.data import load_dataset
from dppp.errors import DataNotFoundError


def test_items_are_what_fastreid_wants(quickstart: Callable[..., CfgNode]) -> None:
    dataset = load_dataset(quickstart(), "GenePersonToy")
    assert len(dataset.train) == 60
    path, pid, camera = dataset.train[0]
    assert path.endswith(".jpg")
    assert pid == "GenePersonToy_1"
    assert camera.startswith("GenePersonToy_")
    assert len({item[1] for item in dataset.train}) == 10
    assert {item[1] for item in dataset.query} == {11, 12, 13, 14}
    assert {item[2] for item in dataset.query + dataset.gallery} <= set(range(6))


def test_the_camera_is_the_scene(quickstart: Callable[..., CfgNode], data_root: Path) -> None:
    scenes = ("street", "commercial", "park", "field", "residential", "indoor")
    lines = (data_root / "GenePersonToy" / "images.jsonl").read_text().splitlines()
    scene_of = {row["file"]: row["scene"] for row in map(json.loads, lines)}
    dataset = load_dataset(quickstart(), "GenePersonToy")
    for path, _, camera in dataset.query + dataset.gallery:
        assert scenes[camera] == scene_of["/".join(path.split("/")[-2:])]


def test_missing_and_unfinished_sets_are_named(
    quickstart: Callable[..., CfgNode], own_root: Path
) -> None:
    (own_root / "GenePersonToy" / "dataset.json").unlink()
    with pytest.raises(DataNotFoundError, match=r"GenePersonToy.*does not exist.*geneperson build"):
        load_dataset(quickstart(), "GenePersonToy")
    (own_root / "GenePersonToy" / ".build").mkdir()
    with pytest.raises(DataNotFoundError, match="has not finished"):
        load_dataset(quickstart(), "GenePersonToy")


@pytest.mark.parametrize("name", ["0001_c1s3.jpg", "0001_c12s3_000017_00.jpg", "notes.txt"])
def test_a_strange_file_name_is_refused(
    quickstart: Callable[..., CfgNode], own_root: Path, name: str
) -> None:
    (own_root / "GenePersonToy" / "query" / name).write_bytes(b"")
    with pytest.raises(UserError, match=name):
        load_dataset(quickstart(), "GenePersonToy").query  # noqa: B018  read on access

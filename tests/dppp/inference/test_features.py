"""Identities and cameras from file names, for images of several folders."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dppp.inference.features import Features, labels

NAMES = ("0002_c1s1_1.jpg", "0002_c3s1_2.jpg", "0003_c12s1_1.png")


def save(path: Path, paths: Sequence[str], root: str) -> dict[str, list[int]]:
    features = np.eye(len(paths), 8, dtype=np.float32)
    Features(features=features, paths=list(paths), root=root, model="model").save(path)
    with np.load(path) as saved:
        return {key: saved[key].tolist() for key in ("pids", "camids") if key in saved}


@pytest.mark.parametrize("folder", ["", "query", "people/all", "../other"])
def test_the_names_of_one_folder_hold_labels(tmp_path: Path, folder: str) -> None:
    found = save(tmp_path / "one.npz", [f"{folder}/{name}".lstrip("/") for name in NAMES], "/data")
    assert found == {"pids": [2, 2, 3], "camids": [1, 3, 12]}


@pytest.mark.parametrize("home", ["", "Market-1501-v15.09.15/", "/data/Own/", "./a/"])
@pytest.mark.parametrize("part", ["bounding_box_test", "bounding_box_train", "gallery", "gt_bbox"])
def test_query_and_gallery_of_one_set_share_their_people(
    tmp_path: Path, home: str, part: str
) -> None:
    paths = [f"{home}query/0002_c1s1_1.jpg", f"{home}{part}/0002_c2s1_1.jpg"]
    assert save(tmp_path / "set.npz", paths, "/data")["pids"] == [2, 2]


@pytest.mark.parametrize(
    "paths",
    [
        ("unreal_v1.1/images/333_c001_78.jpg", "unreal_v1.2/images/333_c001_78.jpg"),
        ("Market/query/0002_c1_1.jpg", "DukeMTMC-reID/bounding_box_test/0002_c2_1.jpg"),
        ("/data/A/bounding_box_test/0002_c1.jpg", "B/bounding_box_test/0002_c2.jpg"),
        ("0002_c1.jpg", "more/0002_c2.jpg"),
        ("A/0002_c1.jpg", "B/0005_c1.jpg", "B/0002_c1.jpg"),
    ],
)
def test_a_pid_in_two_sets_is_not_one_person(tmp_path: Path, paths: Sequence[str]) -> None:
    """Nor as two: UnrealPerson's identities appear in several folders."""
    assert save(tmp_path / "mixed.npz", paths, "/data") == {}


def test_sets_without_a_common_pid_keep_their_labels() -> None:
    found = labels(["0002/0002_c1.jpg", "0002/0002_c2.jpg", "0003/0003_c1.jpg"])
    assert found["pids"].tolist() == [2, 2, 3]


def test_distractors_and_junk_may_be_in_two_sets() -> None:
    paths = ["A/0000_c1.jpg", "A/-1_c1.jpg", "A/0001_c1.jpg", "B/0000_c1.jpg", "B/-1_c2.jpg"]
    assert labels(paths)["pids"].tolist() == [0, -1, 1, 0, -1]


@pytest.mark.parametrize("paths", [[], ["0002_c1.jpg", "person.jpg"]])
def test_names_without_an_identity(paths: Sequence[str]) -> None:
    assert labels(paths) == {}


def test_a_list_may_name_one_set_in_two_ways(tmp_path: Path) -> None:
    paths = ["Own/query/0002_c1.jpg", "/data/Own/bounding_box_test/0002_c2.jpg"]
    assert save(tmp_path / "list.npz", paths, "/data")["camids"] == [1, 2]

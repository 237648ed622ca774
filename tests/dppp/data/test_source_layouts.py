"""Ambiguous layouts of the virtual sets: read in one well-defined way, or refused.

The images are empty files: only their names say whose they are.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.data.datasets import DATASET_REGISTRY

from dppp import UserError
from dppp.data.datasets.virtual import SOURCES

RANDPERSON = "000007_s00_c01_f000228.jpg"
FINEGPR = "0001_c01_w01_l01_p01.jpg"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return a function that writes empty files and reads a data set's training part."""

    def read(name: str, *files: str) -> dict[str, str]:
        for file in files:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).touch()
        items = DATASET_REGISTRY.get(name)(root=str(tmp_path)).train
        return {str(path).removeprefix(f"{tmp_path}/"): pid for path, pid, _ in items}

    return read


@pytest.mark.parametrize("home", ["SOMAset", "soma", "SOMAset/SOMAset", "SOMAset/images", "soma/x"])
def test_people_of_somaset_below_the_set_or_one_folder_in_it(
    read: Callable[..., dict[str, str]], home: str
) -> None:
    files = [f"{home}/{place}.jpg" for place in ("anna/coat/1", "anna/dress/1", "ben/suit/1")]
    people = ["SOMAset_anna", "SOMAset_anna", "SOMAset_ben"]
    assert read("SOMAset", *files) == dict(zip(files, people, strict=True))


@pytest.mark.parametrize("home", ["SOMAset", "SOMAset/SOMAset"])
def test_people_of_somaset_without_outfits(read: Callable[..., dict[str, str]], home: str) -> None:
    files = [f"{home}/anna/1.jpg", f"{home}/ben/1.jpg"]
    assert read("SOMAset", *files) == {files[0]: "SOMAset_anna", files[1]: "SOMAset_ben"}


def test_folders_7_and_007_are_two_people(read: Callable[..., dict[str, str]]) -> None:
    people = read("SOMAset", "soma/7/x/a.jpg", "soma/007/x/a.jpg", "soma/07/x/a.jpg")
    assert sorted(people.values()) == ["SOMAset_007", "SOMAset_07", "SOMAset_7"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        # People in a folder look like outfits of one person.
        (["images/anna/1.jpg", "images/ben/1.jpg"], "all images are below .*soma/images, as of"),
        (["images/one/anna/1.jpg", "images/one/ben/1.jpg"], "all images are below .*images/one,"),
        (["male/ben/suit/1.jpg", "female/anna/coat/1.jpg"], "in 2 folders, such as female"),
        (["train/anna/1.jpg", "test/ben/1.jpg"], "soma/test is named like a split,"),
        (["anna/coat/1.jpg", "ben/1.jpg"], "images are in .*soma/ben, .*soma/anna/coat;"),
        (["a/anna/coat/1.jpg", "shown/1.jpg", "more/1.jpg"], "images are in .*soma/more, .*coat;"),
        (["anna/coat/1.jpg", "ben/suit/1.jpg", "preview.png"], "images are in .*soma, .*coat;"),
        (["a/b/anna/coat/1.jpg", "a/b/ben/suit/1.jpg"], "images are in .*soma/a/b/anna/coat;"),
    ],
)
def test_somaset_is_refused_where_people_could_become_one(
    read: Callable[..., dict[str, str]], files: list[str], reason: str
) -> None:
    with pytest.raises(UserError, match=rf"data set SOMAset: .*{reason}.*PERSON/OUTFIT") as caught:
        read("SOMAset", *(f"soma/{file}" for file in files))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "first", "second", "image"),
    [
        ("RandPerson", "randperson_subset", "randperson_subset/randperson_subset", RANDPERSON),
        ("SyRI", "SyRI-cropped", "SyRI-cropped/bounding_box_train", "7_2_3.jpg"),
        ("FineGPR", "FineGPR_Dataset/FineGPR", "FineGPR_Dataset/FineGPR/0001", FINEGPR),
    ],
)
def test_the_same_images_in_two_places_are_never_read_twice(
    read: Callable[..., dict[str, str]],
    tmp_path: Path,
    name: str,
    first: str,
    second: str,
    image: str,
) -> None:
    assert list(read(name, f"{second}/{image}")) == [f"{second}/{image}"]
    with pytest.raises(
        UserError, match=f"data set {name}: .*{tmp_path}/{first} .*keep one"
    ) as caught:
        read(name, f"{first}/{image}")
    assert f"{tmp_path}/{second}" in str(caught.value) and "\n" not in str(caught.value)
    (tmp_path / second / image).unlink()
    assert list(read(name, f"{first}/{image}")) == [f"{first}/{image}"]


def test_randpersons_known_count_is_the_subsets() -> None:
    """8,000 people and 19 cameras are published for the 1,801,816 images, not for these."""
    known = SOURCES["RandPerson"].known["train"]
    assert (known.images, known.identities, known.cameras) == (132_145, None, None)

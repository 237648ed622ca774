"""Ambiguous layouts of SOMAset: read in one well-defined way, or refused.

The images are empty files: only their names say whose they are.
"""

from collections.abc import Callable

import pytest

from dppp import UserError


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

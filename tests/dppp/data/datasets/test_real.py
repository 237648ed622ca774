"""FastReID's own sets: counts, home pages, and names or paths that its loaders would misread."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.config import CfgNode

from dppp import UserError
from dppp.data import load_dataset
from dppp.data.datasets.market_style import GALLERY, QUERY, TRAIN
from dppp.errors import DataNotFoundError

PARTS = (TRAIN, QUERY, GALLERY)


def test_counts_of_fastreids_own_sets_are_checked_where_they_are_read(
    write: Callable[..., None], quickstart: Callable[..., CfgNode], warnings: list[str]
) -> None:
    for camera, part in enumerate(PARTS, start=1):
        write("Market-1501-v15.09.15", part, f"0002_c{camera}s1_1.jpg")
    load_dataset(quickstart("DATASETS.TESTS", ()), "Market1501")
    assert ["train: 1 images (published: 12,936), 1 identities (published: 751), 1 cameras" in line
            for line in warnings] == [True]  # fmt: skip
    load_dataset(quickstart("DATASETS.TESTS", ("Market1501",)), "Market1501", combineall=True)
    assert ["Market1501, query: 1 images (published: 3,368)" in line for line in warnings[1:]] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Market1501", r"Market-1501-v15\.09\.15.*zheng-lab"),
        ("DukeMTMC", "DukeMTMC-reID.*layumi"),
        ("MSMT17", "MSMT17_V1.*pkuvmc"),
    ],
)
@pytest.mark.filterwarnings("ignore:The current data structure is deprecated")
def test_a_missing_set_of_fastreids_names_its_home_page(
    root: Path, quickstart: Callable[..., CfgNode], name: str, folder: str
) -> None:
    with pytest.raises(DataNotFoundError, match=f"data set {name}: .*{folder}"):
        load_dataset(quickstart(), name)


def test_msmt17_without_its_lists(root: Path, quickstart: Callable[..., CfgNode]) -> None:
    for part in ("train", "test"):
        (root / "MSMT17_V1" / part).mkdir(parents=True)
    with pytest.raises(DataNotFoundError, match=r"list_train\.txt"):
        load_dataset(quickstart(), "MSMT17")


@pytest.mark.parametrize("name", ["person.jpg", "1600_c1s1_1.jpg", "0002_c7s1_1.jpg"])
@pytest.mark.parametrize("part", PARTS)
def test_a_name_fastreids_loader_cannot_read_is_one_line(
    write: Callable[..., None], quickstart: Callable[..., CfgNode], part: str, name: str
) -> None:
    for each in PARTS:
        write("Market-1501-v15.09.15", each, "0002_c1s1_1.jpg")
    write("Market-1501-v15.09.15", part, name)
    with pytest.raises(UserError, match=r"refuses a file name.*MARKET_STYLE_DIRS") as caught:
        load_dataset(quickstart("DATASETS.TESTS", ("Market1501",)), "Market1501")
    assert not isinstance(caught.value, DataNotFoundError)


@pytest.mark.parametrize("name", ["Market1501", "DukeMTMC"])
def test_a_path_that_fastreids_loader_would_take_for_a_label(
    root: Path, quickstart: Callable[..., CfgNode], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Every image in it would be person 2026 of camera 3."""
    cfg = quickstart()
    monkeypatch.setenv("FASTREID_DATASETS", str(root / "2026_c3_exp"))
    with pytest.raises(UserError, match=rf"data set {name}: .*'2026_c3'.*rename"):
        load_dataset(cfg, name)

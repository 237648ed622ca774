"""Names that no data set has, and test sets on which nothing can be scored."""

from collections.abc import Callable

import pytest
from fastreid.config import CfgNode

from dppp import UserError
from dppp.data import load_dataset, register_geneperson
from dppp.data.datasets.market_style import GALLERY, QUERY, TRAIN
from dppp.engine.testing import open_test_sets
from dppp.errors import DataNotFoundError

PARTS = (TRAIN, QUERY, GALLERY)
DIRS = "DATASETS.MARKET_STYLE_DIRS"


def test_unknown_and_taken_names(quickstart: Callable[..., CfgNode]) -> None:
    with pytest.raises(UserError, match="no data set 'GenePersn'"):
        load_dataset(quickstart(), "GenePersn")
    with pytest.raises(UserError, match="one of FastReID's"):
        register_geneperson(["Market1501"])


def test_a_folder_without_a_gallery_is_refused_before_any_work(
    write: Callable[..., None], quickstart: Callable[..., CfgNode]
) -> None:
    write("TrainOnly", PARTS[0], "1_c1.jpg")
    write("TrainOnly", PARTS[1], "1_c1.jpg")
    cfg = quickstart(DIRS, ("TrainOnly",), "DATASETS.TESTS", ("TrainOnly",))
    with pytest.raises(UserError, match=r"TrainOnly has no gallery image.*bounding_box_test"):
        open_test_sets(cfg)


@pytest.mark.parametrize("gallery", [("8_c1_2.jpg", "9_c2.jpg"), ("9_c1.jpg", "9_c2.jpg")])
@pytest.mark.parametrize(
    ("name", "folder"), [("OneCamera", "OneCamera"), ("Market1501", "Market-1501-v15.09.15")]
)
def test_queries_without_any_match_are_refused_before_any_work(
    write: Callable[..., None],
    quickstart: Callable[..., CfgNode],
    name: str,
    folder: str,
    gallery: tuple[str, ...],
) -> None:
    write(folder, PARTS[0], "1_c1.jpg")
    write(folder, PARTS[1], "8_c1_1.jpg", "7_c1_1.jpg")
    write(folder, PARTS[2], *gallery)
    cfg = quickstart(DIRS, ("OneCamera",), "DATASETS.TESTS", (name,))
    with pytest.raises(
        UserError, match=f"TESTS: none of {name}'s 2 queries has .*different"
    ) as caught:
        open_test_sets(cfg)
    assert "\n" not in str(caught.value) and not isinstance(caught.value, DataNotFoundError)
    load_dataset(quickstart(DIRS, ("OneCamera",), "DATASETS.TESTS", ()), name)  # to train on

    write(folder, PARTS[2], "8_c2_1.jpg")  # one query counts, the other does not
    assert open_test_sets(cfg).missing == []

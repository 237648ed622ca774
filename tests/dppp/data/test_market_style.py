"""A user's folders in Market-1501's layout, and FastReID's own sets next to them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.config import CfgNode
from PIL import Image

from dppp import UserError
from dppp.data import build_test_loader, build_train_loader, load_dataset
from dppp.data.datasets.market_style import parse_name
from dppp.engine.testing import open_test_sets
from dppp.errors import DataNotFoundError

PARTS = ("bounding_box_train", "query", "bounding_box_test")
DIRS = "DATASETS.MARKET_STYLE_DIRS"


@pytest.fixture
def root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quickstart: Callable[..., CfgNode]
) -> Path:
    """FASTREID_DATASETS, empty."""
    root = tmp_path / "sets"
    root.mkdir()
    monkeypatch.setenv("FASTREID_DATASETS", str(root))
    return root


@pytest.fixture
def write(root: Path) -> Callable[..., None]:
    """Return a function that writes small images into FOLDER/PART."""

    def write(folder: str, part: str, *names: str) -> None:
        (root / folder / part).mkdir(parents=True, exist_ok=True)
        for name in names:
            Image.new("RGB", (32, 64), "grey").save(root / folder / part / name)

    return write


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("0002_c1s1_000451_03.jpg", (2, 1)),
        ("7140_c4_f0175988.jpg", (7140, 4)),  # DukeMTMC
        ("333_c001_78.png", (333, 1)),  # camera 0 to Market1501's pattern
        ("0002_c12s1_000451_03.jpeg", (2, 12)),  # camera 1 to Market1501's pattern
        ("99999_c0.jpg", (99999, 0)),
        ("-1_c3s1_000451_03.jpg", (-1, 3)),
        ("0002c1s1.jpg", None),
        ("a_0002_c1s1.jpg", None),
        ("0002_cs1.jpg", None),
        ("0002_c1", (2, 1)),
    ],
)
def test_any_identity_and_camera_number(name: str, labels: tuple[int, int] | None) -> None:
    assert parse_name(name) == labels


def test_a_folder_is_a_data_set(
    write: Callable[..., None],
    quickstart: Callable[..., CfgNode],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("Own", PARTS[0], "1600_c7s1_1.jpg", "1600_c12s1_1.png", "-1_c1s1_1.jpg")
    (root / "Own" / PARTS[0] / "._1600_c7s1_1.jpg").write_bytes(b"macOS")
    (root / "Own" / PARTS[0] / "Thumbs.db").write_bytes(b"Windows")
    write("Own", PARTS[1], "5_c12s1_1.jpg")
    write("Own", PARTS[2], "5_c1s1_1.JPG", "0_c1s1_1.jpg")
    tricky = root.rename(root.parent / "2026_c3_exp")  # a folder, though named like an image
    cfg = quickstart(DIRS, ("Own/",))
    monkeypatch.setenv("FASTREID_DATASETS", str(tricky))
    dataset = load_dataset(cfg, "Own")
    folder = f"{tricky}/Own/{PARTS[0]}/"
    assert dataset.train == [
        (f"{folder}1600_c12s1_1.png", "Own_1600", "Own_12"),
        (f"{folder}1600_c7s1_1.jpg", "Own_1600", "Own_7"),
    ]
    assert [item[1:] for item in dataset.query] == [(5, 12)]
    assert [item[1:] for item in dataset.gallery] == [(0, 1), (5, 1)]


def test_distractors_do_not_become_one_identity(
    write: Callable[..., None], quickstart: Callable[..., CfgNode]
) -> None:
    write("Combined", PARTS[0], "1_c1.jpg")
    write("Combined", PARTS[2], "0_c1_a.jpg", "0_c2_b.jpg", "2_c2.jpg")
    dataset = load_dataset(quickstart(DIRS, ("Combined",)), "Combined", combineall=True)
    assert {item[1] for item in dataset.train} == {"Combined_1", "Combined_test_2"}


def test_two_folders_and_fastreids_market1501_keep_their_identities(
    write: Callable[..., None], quickstart: Callable[..., CfgNode]
) -> None:
    for folder in ("SiteA", "SiteB", "Market-1501-v15.09.15"):
        write(folder, PARTS[0], *(f"{p:04d}_c{c}s1_1.jpg" for p in range(2, 6) for c in (1, 2)))
        for part in PARTS[1:]:
            write(folder, part, "0007_c1s1_1.jpg")
    sets = ("SiteA", "SiteB", "Market1501")
    cfg = quickstart(DIRS, ("SiteA", "SiteB"), "DATASETS.NAMES", sets)
    assert build_train_loader(cfg).dataset.num_classes == 12


def test_geneperson_and_a_folder_train_together_and_both_are_tested(
    data_root: Path, write: Callable[..., None], root: Path, quickstart: Callable[..., CfgNode]
) -> None:
    shutil.copytree(data_root / "GenePersonToy", root / "GenePersonToy")
    write("Own", PARTS[0], *(f"{p}_c{c}.jpg" for p in (1, 2, 3) for c in (1, 11)))
    write("Own", PARTS[1], "8_c1.jpg")
    write("Own", PARTS[2], "8_c11.jpg", "9_c1.jpg")
    sets = ("GenePersonToy", "Own")
    cfg = quickstart(DIRS, ("Own",), "DATASETS.NAMES", sets, "DATASETS.TESTS", sets)
    loader = build_train_loader(cfg)
    assert loader.dataset.num_classes == 13
    assert next(iter(loader))["images"].shape == (16, 3, 128, 64)
    num_queries = [build_test_loader(cfg, name)[1] for name in sets]
    assert num_queries == [len(load_dataset(cfg, "GenePersonToy").query), 1]


def test_a_name_that_does_not_parse_is_refused(
    write: Callable[..., None], quickstart: Callable[..., CfgNode]
) -> None:
    write("Strange", PARTS[0], "1_c1.jpg", "person.jpg")
    with pytest.raises(UserError, match=r"person\.jpg: not <pid>.*validate_dataset\.py \S+Strange"):
        load_dataset(quickstart(DIRS, ("Strange",)), "Strange")


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "I;16"])
def test_pixels_that_fastreid_would_misread_are_refused(
    write: Callable[..., None], root: Path, quickstart: Callable[..., CfgNode], mode: str
) -> None:
    write("Alpha", PARTS[0], *(f"{p}_c{c}.png" for p in range(4) for c in range(4)))
    for image in (root / "Alpha" / PARTS[0]).iterdir():
        Image.new(mode, (32, 64)).save(image)
    loader = build_train_loader(quickstart(DIRS, ("Alpha",), "DATASETS.NAMES", ("Alpha",)))
    with pytest.raises(UserError, match=rf"_c\d\.png: pixels are {mode} \(\d channels\); convert"):
        next(iter(loader))


def test_grey_images_train(
    write: Callable[..., None], root: Path, quickstart: Callable[..., CfgNode]
) -> None:
    write("Grey", PARTS[0], *(f"{p}_c{c}.png" for p in range(4) for c in range(4)))
    for image in (root / "Grey" / PARTS[0]).iterdir():
        Image.new("L", (32, 64), 7).save(image)
    loader = build_train_loader(quickstart(DIRS, ("Grey",), "DATASETS.NAMES", ("Grey",)))
    assert next(iter(loader))["images"].shape == (16, 3, 128, 64)


def test_a_missing_folder_and_names_that_are_taken(
    root: Path, quickstart: Callable[..., CfgNode]
) -> None:
    with pytest.raises(DataNotFoundError, match=r"no bounding_box_train.* in \S+sets/Nope"):
        load_dataset(quickstart(DIRS, ("Nope",)), "Nope")
    for name in ("Market1501", "SyRI", "GenePersonToy"):
        with pytest.raises(UserError, match=r"MARKET_STYLE_DIRS.*rename the folder"):
            load_dataset(quickstart(DIRS, ("Nope", name)), "Nope")


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
    with pytest.raises(UserError, match=r"refuses a file name.*MARKET_STYLE_DIRS"):
        load_dataset(quickstart("DATASETS.TESTS", ("Market1501",)), "Market1501")


@pytest.mark.parametrize("name", ["Market1501", "DukeMTMC"])
def test_a_path_that_fastreids_loader_would_take_for_a_label(
    root: Path, quickstart: Callable[..., CfgNode], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Every image in it would be person 2026 of camera 3."""
    cfg = quickstart()
    monkeypatch.setenv("FASTREID_DATASETS", str(root / "2026_c3_exp"))
    with pytest.raises(UserError, match=rf"data set {name}: .*'2026_c3'.*rename"):
        load_dataset(cfg, name)

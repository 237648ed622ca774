"""A user's folders in Market-1501's layout."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.config import CfgNode
from PIL import Image

from dppp import UserError
from dppp.data import build_test_loader, build_train_loader, load_dataset
from dppp.data.datasets.market_style import parse_name
from dppp.errors import DataNotFoundError

PARTS = ("bounding_box_train", "query", "bounding_box_test")
DIRS = "DATASETS.MARKET_STYLE_DIRS"


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
    assert next(iter(loader))["images"].shape == (16, 3, 64, 32)
    num_queries = [build_test_loader(cfg, name)[1] for name in sets]
    assert num_queries == [len(load_dataset(cfg, "GenePersonToy").query), 1]


def test_a_name_that_does_not_parse_is_refused(
    write: Callable[..., None], quickstart: Callable[..., CfgNode]
) -> None:
    write("Strange", PARTS[0], "1_c1.jpg", "person.jpg")
    with pytest.raises(UserError, match=r"person\.jpg: not <pid>.*dppp-validate \S+Strange"):
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
    assert next(iter(loader))["images"].shape == (16, 3, 64, 32)


def test_a_missing_folder_and_names_that_are_taken(
    root: Path, quickstart: Callable[..., CfgNode]
) -> None:
    with pytest.raises(DataNotFoundError, match=r"no bounding_box_train.* in \S+sets/Nope"):
        load_dataset(quickstart(DIRS, ("Nope",)), "Nope")
    for name in ("Market1501", "SyRI", "GenePersonToy"):
        with pytest.raises(UserError, match=r"MARKET_STYLE_DIRS.*rename the folder"):
            load_dataset(quickstart(DIRS, ("Nope", name)), "Nope")

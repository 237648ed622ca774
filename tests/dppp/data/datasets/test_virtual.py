"""The virtual training sets on small trees in their owners' layouts, traps included.

The images are empty files: only their names say whose they are.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from fastreid.data.common import CommDataset
from fastreid.data.datasets.bases import ImageDataset

from dppp import UserError
from dppp.config import load_config
from dppp.data.datasets import virtual
from dppp.data.datasets.somaset import SOMAset
from dppp.defaults import LOSSES
from dppp.errors import DataNotFoundError
from helpers import CONFIGS

SOURCE_CONFIGS = CONFIGS / "DPPP" / "sources"
Loader = Callable[..., ImageDataset]
OWN_CLASS = {"SOMAset": SOMAset, "UnrealPerson": virtual.UnrealPerson}
NAMES = [*virtual.SOURCES, *OWN_CLASS]
UNREAL_PARTS = "DATASETS.UNREALPERSON_PARTS"

# Data set, files under FASTREID_DATASETS, and identity and camera of each in the order of paths;
# junk and files that are not the set's have none.
LAYOUTS = {
    "outfits of one person are one identity": (
        "SOMAset",
        ["soma/anna/coat/a1.jpg", "soma/anna/dress/b1.PNG", "soma/ben/suit/_c9_a1.jpeg",
         "soma/readme.txt"],
        ["anna 0", "anna 0", "ben 0"],
    ),
    "SOMAset unpacked into a folder of its name": (
        "SOMAset",
        ["SOMAset/SOMAset/01/x/a.jpg", "SOMAset/SOMAset/02/x/a.jpg"],
        ["01 0", "02 0"],
    ),
    "a flat folder": (
        "SyRI",
        ["syri/007_279_3.jpg", "syri/010_000_1_0.jpg", "syri/._007_279_3.jpg"],
        ["7 279", "10 0"],
    ),
    "SyRI with bounding_box_train": (
        "SyRI",
        ["SyRI/SyRI_random_cropped/bounding_box_train/1_2_3.jpg"],
        ["1 2"],
    ),
    "six backgrounds, both halves, no copies": (
        "PersonX",
        ["PersonX_v1/1/bounding_box_train/0004_c1s1_01.jpg",
         "PersonX_v1/6/bounding_box_train/0004_c6s1_01.jpg",
         "PersonX_v1/6/bounding_box_test/0001_c6s1_36.jpg",
         "PersonX_v1/6/query/0001_c6s1_36.jpg", "PersonX_v1/readme.txt"],
        ["4 1", "1 6", "4 6"],
    ),
    "cameras 10 and 12 are not camera 1": (
        "PersonXSubset",
        ["PersonX/bounding_box_train/0002_c10s1_03.jpg",
         "PersonX/bounding_box_train/0002_c12s1_03.jpg",
         "PersonX/bounding_box_train/0002_c1s1_03.jpg"],
        ["2 10", "2 12", "2 1"],
    ),
    "VisDA's source": (
        "PersonXVisDA",
        ["challenge_datasets/personX/image_train/0001_c12s1_24.jpg"],
        ["1 12"],
    ),
    "cameras are numbered within a scene": (
        "RandPerson",
        ["randperson_subset/randperson_subset/000007_s00_c01_f000228.jpg",
         "randperson_subset/randperson_subset/000007_s10_c01_f000228.jpg",
         "randperson_subset/randperson_subset/000008_s10_c03_f000001.jpg"],
        ["7 0_1", "7 10_1", "8 10_3"],
    ),
    "camera before scene, as in old names": (
        "RandPerson",
        ["randperson_subset/000007_c01_s02_f000228.jpg"],
        ["7 2_1"],
    ),
    "the subset, not the whole set next to it": (
        "RandPerson",
        ["randperson/images/scene00/000001_s00_c00_f000001.jpg",
         "randperson/images/subset/000000_s00_c00_f000264.jpg"],
        ["0 0_0"],
    ),
    "one person over environments, cameras of each": (
        "UnrealPerson",
        ["UnrealPerson/unreal_v1.1/images/333_c001_78.jpg",
         "UnrealPerson/unreal_v2.1/images/333_c001_1.jpg",
         "UnrealPerson/unreal_v2.2/images/333_c001_1.jpg",  # not one of the parts
         "UnrealPerson/unreal_v3.1/images/4_c012_1.png",
         "UnrealPerson/unreal_v4.1/images/333_c0_1.jpg"],
        ["1_333 1_1", "1_333 2_1", "1_4 3_12", "1_333 4_0"],
    ),
    "a folder per person, numbers with gaps": (
        "FineGPR",
        ["FineGPR_Dataset/FineGPR/0001/0001_c01_w01_l01_p01.jpg",
         "FineGPR_Dataset/FineGPR/0003/0003_c36_w07_l07_p09.jpg",
         "FineGPR_Dataset/FineGPR_subset/0001_c10_w03_l05_p03.jpg"],
        ["1 1", "3 36"],
    ),
    "only the subset": (
        "FineGPRSubset",
        ["FineGPR_Dataset/FineGPR/0003/0003_c36_w07_l07_p09.jpg",
         "FineGPR_Dataset/FineGPR_subset/0001_c10_w03_l05_p03.jpg"],
        ["1 10"],
    ),
    "ClonedPerson, junk left out": (
        "ClonedPerson",
        ["clonedperson/train/-1_s02_c00_f000001.jpg",
         "clonedperson/train/700000_s02_c00_f023389.jpg",
         "clonedperson/train/700000_s06_c00_f023413.jpg"],
        ["700000 2_0", "700000 6_0"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_identities_and_cameras(
    load: Loader, tricky_root: Path, name: str, files: list[str], expected: list[str]
) -> None:
    dataset = load(name, files)
    items = sorted(dataset.train)
    assert [(pid, camera) for _, pid, camera in items] == [
        tuple(f"{name}_{label}" for label in labels.split()) for labels in expected
    ]
    assert {path for path, _, _ in items} <= {str(tricky_root / file) for file in files}
    assert len({path for path, _, _ in items}) == len(expected)


def test_every_set_is_tried() -> None:
    assert {name for name, _, _ in LAYOUTS.values()} == set(NAMES)


def test_versions_of_the_people_are_other_people(load: Loader) -> None:
    parts = ("unreal_v1.1", "unreal_v2.2", "unreal_v2.1")
    files = [f"unreal/{part}/images/5_c001_1.jpg" for part in parts]
    dataset = load("UnrealPerson", files, UNREAL_PARTS, parts)
    assert sorted((pid, camera) for _, pid, camera in dataset.train) == [
        ("UnrealPerson_1_5", "UnrealPerson_1_1"),
        ("UnrealPerson_1_5", "UnrealPerson_2_1"),
        ("UnrealPerson_2_5", "UnrealPerson_2_1"),
    ]


@pytest.mark.parametrize("parts", [("unreal_v5.1",), ("v1.1", "unreal_v1.1"), ()])
def test_a_part_that_does_not_exist(load: Loader, parts: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match=r"UNREALPERSON_PARTS.*allowed: unreal_v1\.1, "):
        load("UnrealPerson", [], UNREAL_PARTS, parts)


def test_a_part_that_is_not_there_is_named(load: Loader) -> None:
    with pytest.raises(DataNotFoundError, match=r"9_c9/UnrealPerson/unreal_v2\.1, "):
        load("UnrealPerson", ["UnrealPerson/unreal_v1.1/images/333_c001_78.jpg"])


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_set_says_where_and_what(load: Loader, tricky_root: Path, name: str) -> None:
    with pytest.raises(DataNotFoundError) as caught:
        load(name, [])
    source = virtual.SOURCES.get(name) or OWN_CLASS[name].source
    message = str(caught.value)
    assert "\n" not in message
    for part in (name, str(tricky_root / source.roots[0]), source.described, source.terms):
        assert part in message


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("SyRI", "syri/1_2_3.jpg", "syri/noise.jpg"),
        ("SyRI", "syri/1_2_3.jpg", "syri/copy1_2_3.jpg"),
        ("PersonXSubset", "PersonX/bounding_box_train/0001_c3s1_01.jpg",
         "PersonX/bounding_box_train/0001_cs1_01.jpg"),
        ("RandPerson", "randperson_subset/000000_s00_c00_f0.jpg",
         "randperson_subset/000000_c00_f0.jpg"),
        ("ClonedPerson", "clonedperson/train/700000_s02_c00_f1.jpg",
         "clonedperson/test/query/700000_c00_f1.jpg"),
    ],
)  # fmt: skip
def test_a_name_that_is_not_the_sets_is_refused(
    load: Loader, name: str, good: str, bad: str
) -> None:
    with pytest.raises(UserError, match=f"9_c9/{bad}: not a name of {name}"):
        load(name, [good, bad])


def test_personx_subset_can_be_tested_on(load: Loader) -> None:
    files = [
        "PersonX/bounding_box_train/0002_c10s1_03.jpg",
        "PersonX/query/0001_c3s1_06.jpg",
        "PersonX/bounding_box_test/0001_c3s1_06.jpg",
        "PersonX/bounding_box_test/0001_c12s1_06.jpg",
    ]
    dataset = load("PersonXSubset", files, "DATASETS.TESTS", ("PersonXSubset",))
    assert [item[1] for item in dataset.query + dataset.gallery] == [1, 1, 1]
    (query,), (match, junk) = [[i[2] for i in part] for part in (dataset.query, dataset.gallery)]
    assert query == junk != match
    assert all(type(camera) is int for camera in (query, junk, match))


def test_clonedperson_s_test_cameras_are_scene_and_camera(load: Loader) -> None:
    files = [
        "clonedperson/train/700000_s02_c00_f023389.jpg",
        "clonedperson/test/query/705227_s02_c02_f001117.jpg",
        "clonedperson/test/gallery/705227_s06_c02_f005521.jpg",
        "clonedperson/test/gallery/705227_s02_c02_f005521.jpg",
        "clonedperson/test/gallery/705227_s02_c00_f005521.jpg",
    ]
    dataset = load("ClonedPerson", files)
    query_camera = dataset.query[0][2]
    assert [item[2] == query_camera for item in dataset.gallery] == [False, True, False]
    assert len({item[2] for item in dataset.gallery}) == 3
    combined = load("ClonedPerson", files, combineall=True)
    assert {item[1] for item in combined.train} == {
        "ClonedPerson_700000",
        "ClonedPerson_test_705227",
    }


def test_clonedperson_can_be_tested_on_without_its_training_images(load: Loader) -> None:
    files = [
        "clonedperson/test/query/705227_s02_c02_f001117.jpg",
        "clonedperson/test/gallery/705227_s06_c02_f005521.jpg",
    ]
    dataset = load("ClonedPerson", files, "DATASETS.TESTS", ("ClonedPerson",))
    assert [len(part) for part in (dataset.train, dataset.query, dataset.gallery)] == [0, 1, 1]


@pytest.mark.parametrize("name", ["SOMAset", "RandPerson", "UnrealPerson", "FineGPR", "PersonX"])
def test_a_set_made_for_training_is_no_test_set(load: Loader, name: str) -> None:
    files = next(files for n, files, _ in LAYOUTS.values() if n == name)
    with pytest.raises(UserError, match=f"DATASETS.TESTS: {name} has no query") as caught:
        load(name, files, "DATASETS.TESTS", (name,))
    assert not isinstance(caught.value, DataNotFoundError)
    dataset = load(name, files)
    assert dataset.query == dataset.gallery == []


def test_all_sets_mix(load: Loader) -> None:
    items, identities = [], 0
    for name, files, expected in {n: (n, f, e) for n, f, e in LAYOUTS.values()}.values():
        items += load(name, files).train
        identities += len({labels.split()[0] for labels in expected})
    mixed = CommDataset(items, relabel=True)
    assert mixed.num_classes == identities


def test_counts_of_unrealperson_are_published_for_all_parts_only(
    load: Loader, warnings: list[str]
) -> None:
    parts = virtual.UNREALPERSON_ALL_PARTS
    files = [f"UnrealPerson/{part}/images/5_c001_1.jpg" for part in parts]
    load("UnrealPerson", files)
    assert warnings == []
    load("UnrealPerson", files, UNREAL_PARTS, parts)
    assert "3 identities (published: 6,799)" in warnings[0]


def test_randpersons_known_count_is_the_subsets() -> None:
    """8,000 people and 19 cameras are published for the 1,801,816 images, not for these."""
    known = virtual.SOURCES["RandPerson"].known["train"]
    assert (known.images, known.identities, known.cameras) == (132_145, None, None)


ROWS = {
    "market1501": ("Market1501", ("DukeMTMC",)),
    "dukemtmc": ("DukeMTMC", ("Market1501",)),
    "somaset": ("SOMAset", ("Market1501", "DukeMTMC")),
    "syri": ("SyRI", ("Market1501", "DukeMTMC")),
    "personx": ("PersonX", ("Market1501", "DukeMTMC")),
    "finegpr": ("FineGPR", ("Market1501", "DukeMTMC")),
    "randperson": ("RandPerson", ("Market1501", "DukeMTMC")),
    "unrealperson": ("UnrealPerson", ("Market1501", "DukeMTMC")),
    "geneperson": ("GenePerson", ("Market1501", "DukeMTMC")),
    "geneperson_dagger": ("GenePerson", ("Market1501", "DukeMTMC")),
}


def test_each_row_of_table_iii_has_a_config() -> None:
    assert {path.stem for path in SOURCE_CONFIGS.glob("*.yml")} == set(ROWS)


@pytest.mark.parametrize("stem", ROWS)
def test_a_row_differs_in_the_training_set_and_the_dagger(stem: str) -> None:
    path = SOURCE_CONFIGS / f"{stem}.yml"
    cfg = load_config(str(path), ["MODEL.DEVICE", "cpu"])
    assert (cfg.DATASETS.NAMES, cfg.DATASETS.TESTS) == ((ROWS[stem][0],), ROWS[stem][1])
    assert cfg.MODEL.DPPP.LOSSES == (LOSSES if stem == "geneperson_dagger" else ("L1_ReID",))
    content = yaml.safe_load(path.read_text())
    assert content["_BASE_"] == "../vit_b16.yml"
    assert content["OUTPUT_DIR"] == f"logs/dppp/sources/{stem}"
    assert set(content) <= {"_BASE_", "MODEL", "DATASETS", "OUTPUT_DIR"}
    assert content.get("MODEL", {"DPPP": {"LOSSES": None}})["DPPP"].keys() == {"LOSSES"}

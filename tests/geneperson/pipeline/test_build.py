"""A build can be stopped anywhere, ends the same, and touches nothing that is not its own."""

import json
import shutil
from pathlib import Path

import pytest
from yacs.config import CfgNode

from geneperson import UserError, build, verify
from geneperson.dataset.layout import (
    CARD,
    DATASET,
    IMAGES,
    STAGING,
    IdentityRow,
    ImageRow,
    read_rows,
)
from geneperson.pipeline.staging import Staging


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def hopeless(small_cfg: CfgNode) -> CfgNode:
    """Settings under which no candidate is good enough, so that the build stops on its way."""
    cfg = small_cfg.clone()
    cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS = 2, 1
    cfg.QUALITY.MIN_CELLS, cfg.QUALITY.MAX_AREA = 2, 0.051
    return cfg


@pytest.fixture(scope="module")
def unfinished(hopeless: CfgNode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("unfinished") / "set"
    with pytest.raises(UserError, match=r"50 candidates in a row .*too large 100.*QUALITY"):
        build(hopeless, output)
    return output


def test_endless_rejection_keeps_what_was_drawn(unfinished: Path) -> None:
    assert Staging(unfinished).indices() == set(range(50))


def test_finished_set_has_what_was_asked_for(pristine: Path) -> None:
    dataset = json.loads((pristine / DATASET).read_text())
    identities = read_rows(pristine, IdentityRow, [])
    images = read_rows(pristine, ImageRow, [])
    assert dataset["identities"] == {"train": 3, "test": 2}
    assert [(row.pid, row.split) for row in identities] == [
        (1, "train"),
        (2, "train"),
        (3, "train"),
        (4, "test"),
        (5, "test"),
    ]
    assert sum(dataset["images"].values()) == len(images) == dataset["cells"]["kept"]
    rejected = sum(dataset["cells"]["rejected"].values())
    assert dataset["cells"]["drawn"] == dataset["cells"]["kept"] + rejected
    assert dataset["cells"]["left_out"] == 0
    assert not (pristine / STAGING).exists()
    assert {path.name for path in pristine.iterdir()} == {
        "bounding_box_train",
        "query",
        "bounding_box_test",
        "identities.jsonl",
        "images.jsonl",
        "rejects.jsonl",
        "dataset.json",
        "README.md",
    }


def test_every_identity_is_seen_in_three_scenes_and_lightings(pristine: Path) -> None:
    images = read_rows(pristine, ImageRow, [])
    for pid in range(1, 6):
        mine = [row for row in images if row.pid == pid]
        assert len({row.scene for row in mine}) >= 3
        assert len({row.lighting for row in mine}) >= 3


def test_first_identities_of_a_bigger_set_are_those_of_a_small_one(
    pristine: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 2, 0
    build(cfg, tmp_path / "small")
    small, big = files(tmp_path / "small"), files(pristine)
    images = [file for file in small if file.endswith(".jpg")]
    assert images and all(small[file] == big[file] for file in images)
    assert not (tmp_path / "small" / "query").exists()


def test_building_again_changes_nothing(
    dataset: Path, cfg: CfgNode, caplog: pytest.LogCaptureFixture
) -> None:
    before = files(dataset)
    stamps = {path: path.stat().st_mtime_ns for path in dataset.rglob("*")}
    with caplog.at_level("INFO"):
        assert build(cfg, dataset) == json.loads(before[DATASET])
    assert "already complete" in caplog.text
    assert files(dataset) == before
    assert {path: path.stat().st_mtime_ns for path in dataset.rglob("*")} == stamps


def test_finished_set_of_other_settings_is_refused(dataset: Path, cfg: CfgNode) -> None:
    cfg.QUALITY.MIN_CELLS = 3
    before = files(dataset)
    with pytest.raises(UserError, match=r"finished set with QUALITY.MIN_CELLS 4, not 3"):
        build(cfg, dataset)
    assert files(dataset) == before


def test_failing_while_publishing_and_resuming(
    pristine: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    """A folder in the way of an image, then of a table, stops the build between two renames."""
    output = tmp_path / "set"
    expected = files(pristine)
    images = sorted(file for file in expected if file.endswith(".jpg"))
    for obstacle in (images[len(images) // 2], images[-1], IMAGES, CARD):
        shutil.rmtree(output, ignore_errors=True)
        (output / STAGING).mkdir(parents=True)
        (output / obstacle).mkdir(parents=True)
        with pytest.raises(UserError, match="Is a directory"):
            _build_around(output, cfg)
        assert verify(output) == [".build: unfinished build; run the same build command again"]
        (output / obstacle).rmdir()
        build(cfg, output)
        assert files(output) == expected


def _build_around(output: Path, cfg: CfgNode) -> None:
    """Build in a folder that is not empty, like that of an unfinished build."""
    staging = Staging(output)
    staging.open({})
    build(cfg, output)


def test_leftover_staging_of_a_finished_set_is_cleared(dataset: Path, cfg: CfgNode) -> None:
    (dataset / STAGING / "identities" / "000000").mkdir(parents=True)
    assert verify(dataset) == [".build: left over; run the same build command again"]
    build(cfg, dataset)
    assert not (dataset / STAGING).exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"configuration": {"SEED": 7}}, "unfinished build with SEED 7, not 0.*delete"),
        ({"configuration": {"QUALITY": {"MIN_CELLS": 4}}}, "QUALITY.MIN_CELLS 4, not 2"),
        ({"vocabulary_sha256": "00"}, "vocabulary_sha256 '00', not "),
        ({"code_sha256": "00"}, "another version of this program's code"),
    ],
)
def test_unfinished_build_of_other_settings_is_refused(
    unfinished: Path, hopeless: CfgNode, tmp_path: Path, change: dict, message: str
) -> None:
    output = Path(shutil.copytree(unfinished, tmp_path / "set"))
    staging = Staging(output)
    settings = staging.read_settings()
    for key, value in change.items():
        settings[key] = _merged(settings[key], value)
    staging.open(settings)
    before = files(output)
    with pytest.raises(UserError, match=message):
        build(hopeless, output)
    assert files(output) == before


def _merged(old: object, new: object) -> object:
    if not isinstance(new, dict):
        return new
    return old | {key: _merged(old[key], value) for key, value in new.items()}


@pytest.mark.parametrize("name", ["notes.txt", ".build/debug/app", ".build/precious.txt"])
def test_folders_of_others_are_not_touched(cfg: CfgNode, tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    before = files(tmp_path)
    with pytest.raises(UserError, match="not empty and holds no data set of ours"):
        build(cfg, tmp_path)
    assert files(tmp_path) == before


def test_a_finished_set_with_a_build_folder_of_others(dataset: Path, cfg: CfgNode) -> None:
    (dataset / STAGING).mkdir()
    (dataset / STAGING / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match="holds no data set of ours"):
        build(cfg, dataset)
    assert (dataset / STAGING / "precious.txt").exists()


def test_images_that_went_missing_are_not_called_complete(dataset: Path, cfg: CfgNode) -> None:
    next((dataset / "query").iterdir()).unlink()
    with pytest.raises(UserError, match=r"files have gone missing .* build --only PID"):
        build(cfg, dataset)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_damaged_build_json(unfinished: Path, hopeless: CfgNode, tmp_path: Path, text: str) -> None:
    output = Path(shutil.copytree(unfinished, tmp_path / "set"))
    (output / STAGING / "build.json").write_text(text)
    with pytest.raises(UserError, match=r"build\.json is damaged; delete"):
        build(hopeless, output)


def test_a_file_in_place_of_the_folder(cfg: CfgNode, tmp_path: Path) -> None:
    (tmp_path / "set").touch()
    with pytest.raises(UserError, match="not a folder"):
        build(cfg, tmp_path / "set")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("WORLD", "moon", "moon"),
        ("SYNTHESIS.NAME", "crayons", "crayons"),
        ("VOCABULARY.FILE", "/nowhere.json", "nowhere.json"),
    ],
)
def test_settings_that_cannot_work_leave_nothing(
    cfg: CfgNode, tmp_path: Path, key: str, value: object, message: str
) -> None:
    cfg.merge_from_list([key, value])
    with pytest.raises(UserError, match=message):
        build(cfg, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_more_identities_than_outfits(cfg: CfgNode, tmp_path: Path) -> None:
    cfg.IDENTITIES.TRAIN = 10**12
    with pytest.raises(UserError, match="different outfits"):
        build(cfg, tmp_path / "set")


def test_no_workers(cfg: CfgNode, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="workers is 0"):
        build(cfg, tmp_path / "set", workers=0)


def test_rejected_candidates_are_replaced_and_counted(
    pristine: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    images = read_rows(pristine, ImageRow, [])
    smallest = {pid: min(row.mask_area for row in images if row.pid == pid) for pid in range(1, 6)}
    limit = sorted(smallest.values())[2]  # some identities lose a cell by it, some none
    cfg.QUALITY.MIN_AREA, cfg.QUALITY.MIN_CELLS = limit, 6
    dataset = build(cfg, tmp_path / "set")
    assert dataset["candidates"]["accepted"] == 5
    assert dataset["candidates"]["rejected"] >= 1
    assert dataset["cells"]["rejected"]["too small"] >= 1
    assert verify(tmp_path / "set") == []
    candidates = [row.candidate for row in read_rows(tmp_path / "set", IdentityRow, [])]
    assert candidates == sorted(candidates) and candidates[-1] > 4

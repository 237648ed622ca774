"""Kept canvases become another set without a model that draws."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from yacs.config import CfgNode

from geneperson import UserError, build, verify
from geneperson.dataset.layout import DATASET, REJECTS, STAGING, ImageRow, read_rows
from geneperson.pipeline.backgrounds import folder_of
from geneperson.pipeline.refine import NO_BACKGROUND, refine

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def kept(picky_cfg: CfgNode, tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    """The set of the picky settings with its canvases; not to be changed."""
    output = tmp_path_factory.mktemp("kept") / "set"
    shutil.copytree(folder_of(drawn), folder_of(output))
    cfg = picky_cfg.clone()
    cfg.KEEP_CANVASES = True
    build(cfg, output)
    return output


@pytest.fixture
def cfg(picky_cfg: CfgNode, tmp_path: Path) -> CfgNode:
    """Settings with the name of the base model, but without its weights."""
    cfg = picky_cfg.clone()
    (tmp_path / "empty" / "sdxl").mkdir(parents=True)
    cfg.DIFFUSION.BASE = str(tmp_path / "empty" / "sdxl")
    return cfg


def tables(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != DATASET
    }


def test_the_same_limits_give_the_same_set(
    kept: Path, drawn: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    dataset = refine(cfg, kept, tmp_path / "set")
    assert tables(tmp_path / "set") == tables(drawn)
    assert dataset["refined_from"] == "set"
    assert verify(tmp_path / "set") == []


def copy_of(kept: Path, folder: Path) -> Path:
    """The set with what is beside it, to be spoiled."""
    for name in ("set", "set.canvases", "set.backgrounds"):
        shutil.copytree(kept.with_name(name), folder / name)
    return folder / "set"


def test_pictures_of_others_beside_the_backgrounds(
    kept: Path, drawn: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    """An earlier build of that name, by other models, has left some; and somebody a copy."""
    source = copy_of(kept, tmp_path / "kept")
    pictures = sorted(folder_of(source).glob("*.png"))
    for picture, other in zip(pictures, pictures[::-1], strict=True):
        place = picture.stem.rpartition("_")[0]
        for key in ("0" * 12, "f" * 12):
            shutil.copy(other, picture.with_name(f"{place}_{key}.png"))
    shutil.copy(pictures[0], pictures[0].with_name("copy.png"))
    refine(cfg, source, tmp_path / "set")
    assert tables(tmp_path / "set") == tables(drawn)


def test_the_table_names_the_background_that_is_shown(
    kept: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    """Of four numbers, only the first was painted; the copies beside the set are what they say."""
    cfg.SCENES.POOL_SIZE = 4
    refine(cfg, kept, tmp_path / "set")
    rows = read_rows(tmp_path / "set", ImageRow, [])
    assert {row.background.rpartition("_")[2] for row in rows} == {"000"}
    copies = sorted(folder_of(tmp_path / "set").iterdir())
    assert copies
    for picture in copies:
        assert picture.read_bytes() == (folder_of(kept) / picture.name).read_bytes()


def test_images_share_what_was_painted(kept: Path, cfg: CfgNode, tmp_path: Path) -> None:
    """None of the numbers that are dealt was painted, but two others of each place were."""
    source = copy_of(kept, tmp_path / "kept")
    for picture in list(folder_of(source).glob("*_000_*.png")):
        shutil.copy(picture, str(picture).replace("_000_", "_006_"))
        picture.rename(str(picture).replace("_000_", "_005_"))
    cfg.SCENES.POOL_SIZE = 4
    refine(cfg, source, tmp_path / "set")
    rows = read_rows(tmp_path / "set", ImageRow, [])
    assert {row.background.rpartition("_")[2] for row in rows} == {"005", "006"}


def test_drawn_and_refined_sets_are_not_taken_for_each_other(
    kept: Path, picky_cfg: CfgNode, cfg: CfgNode, tmp_path: Path
) -> None:
    refine(cfg, kept, tmp_path / "set")
    with pytest.raises(UserError, match=r"a set refined from 'set', not a drawn one; choose"):
        build(cfg, tmp_path / "set")
    source = copy_of(kept, tmp_path / "kept")
    shutil.copytree(source, tmp_path / "other")
    with pytest.raises(UserError, match=r"a finished set with refined_from None, not 'set'"):
        refine(picky_cfg, source, tmp_path / "other")


def test_the_record_names_the_software_that_drew(kept: Path, cfg: CfgNode, tmp_path: Path) -> None:
    source = copy_of(kept, tmp_path / "kept")
    path = source.with_name("set.canvases") / "canvases.json"
    content = json.loads(path.read_text())
    assert {"torch", "diffusers"} <= content["software"].keys()
    content["software"]["diffusers"] = "0.1"
    path.write_text(json.dumps(content))
    dataset = refine(cfg, source, tmp_path / "set")
    assert dataset["software"]["diffusers"] == "0.1" and "rembg" in dataset["software"]


def test_stopped_in_the_middle_and_code_changed(
    kept: Path, drawn: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    """Its last canvas is lost for a while; what was finished before is not made again."""
    source, output = copy_of(kept, tmp_path / "kept"), tmp_path / "set"
    canvas = source.with_name("set.canvases") / "000004_00.png"
    canvas.rename(tmp_path / "canvas.png")
    with pytest.raises(UserError, match="are used up after 4 candidates"):
        refine(cfg, source, output)
    before = {path: path.stat().st_ino for path in output.rglob("0*.jpg")}
    (tmp_path / "canvas.png").rename(canvas)
    settings = output / STAGING / "build.json"
    content = json.loads(settings.read_text())
    settings.write_text(json.dumps(content | {"code_sha256": ["earlier"]}))
    with pytest.raises(UserError, match="go on with --accept-code-change"):
        refine(cfg, source, output)
    dataset = refine(cfg, source, output, accept_code_change=True)
    assert dataset["code_sha256"] == ["earlier", *content["code_sha256"]]
    assert tables(output) == tables(drawn)
    assert before and set(before.values()) <= {p.stat().st_ino for p in output.rglob("0*.jpg")}


def test_canvases_wanted_after_the_set_was_drawn(
    drawn: Path, picky_cfg: CfgNode, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing draws them again, and that is said."""
    cfg, output = picky_cfg.clone(), Path(shutil.copytree(drawn, tmp_path / "set"))
    cfg.KEEP_CANVASES = True
    build(cfg, output)
    number = sum(json.loads((output / DATASET).read_text())["candidates"].values())
    assert f"set.canvases lacks {number} candidates that were drawn before" in caplog.text


def test_other_limits_keep_other_cells(kept: Path, cfg: CfgNode, tmp_path: Path) -> None:
    """A background that was never painted cannot be painted now; its cell says so."""
    cfg.QUALITY.MAX_AREA, cfg.JPEG_QUALITY = 0.6, 80
    refine(cfg, kept, tmp_path / "set")
    assert verify(tmp_path / "set") == []
    rows = read_rows(tmp_path / "set", ImageRow, [])
    assert len({row.cell for row in rows if row.pid == 1}) > 0
    painted = {tuple(path.name.split("_")[:2]) for path in folder_of(kept).iterdir()}
    assert {(row.scene, row.lighting) for row in rows} <= painted
    rejects = (tmp_path / "set" / REJECTS).read_text().splitlines()
    reasons = {json.loads(line)["reason"] for line in rejects}
    assert NO_BACKGROUND in reasons and "too large" not in reasons


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("DIFFUSION.STEPS", 2, r"holds canvases with DIFFUSION\.STEPS 1, not 2"),
        ("SEED", 1, "holds canvases with SEED 0, not 1"),
        ("LIGHT.MODE", "drawn", r"holds canvases with LIGHT\.MODE 'relight', not 'drawn'"),
        ("IDENTITIES.TRAIN", 50, r"set\.canvases are used up after .*, ask for fewer --identities"),
    ],
)
def test_canvases_of_other_settings_and_too_few(
    kept: Path, cfg: CfgNode, tmp_path: Path, key: str, value: object, message: str
) -> None:
    cfg.merge_from_list([key, value])
    with pytest.raises(UserError, match=message):
        refine(cfg, kept, tmp_path / "set")


def test_no_canvases(drawn: Path, kept: Path, cfg: CfgNode, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no canvases; build the set with KEEP_CANVASES"):
        refine(cfg, drawn, tmp_path / "set")
    with pytest.raises(UserError, match="is the set itself; choose another --output"):
        refine(cfg, kept, kept)
    assert not (tmp_path / "set").exists()


def test_a_folder_with_canvases_of_other_settings(
    kept: Path, picky_cfg: CfgNode, tmp_path: Path
) -> None:
    cfg = picky_cfg.clone()
    cfg.KEEP_CANVASES, cfg.DIFFUSION.GUIDANCE = True, 2.0
    shutil.copytree(kept.with_name("set.canvases"), tmp_path / "set.canvases")
    with pytest.raises(UserError, match=r"holds canvases with DIFFUSION\.GUIDANCE .*; delete it"):
        build(cfg, tmp_path / "set")


def test_a_route_that_keeps_no_canvases(small_cfg: CfgNode, pristine: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'procedural' keeps no canvases: build another set"):
        refine(small_cfg, pristine, tmp_path / "set")

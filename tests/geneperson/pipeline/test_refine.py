"""Kept canvases become another set without a model that draws."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from yacs.config import CfgNode

from geneperson import UserError, build, verify
from geneperson.dataset.layout import DATASET, REJECTS, ImageRow, read_rows
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

"""One identity of a finished set is made again with the same bytes, or nothing is written."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from yacs.config import CfgNode

from geneperson import UserError, build, verify
from geneperson.dataset.layout import IdentityRow, ImageRow, read_rows
from geneperson.pipeline.rebuild import rebuild


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def spoil(dataset: Path, pid: int) -> int:
    """Delete an identity's first image and alter its second; give the number of its images."""
    mine = [dataset / row.file for row in read_rows(dataset, ImageRow, []) if row.pid == pid]
    mine[0].unlink()
    mine[1].write_bytes(mine[1].read_bytes()[:-10])
    return len(mine)


@pytest.mark.parametrize("pid", [1, 4])  # one to train on, one held out
def test_missing_and_altered_images_come_back(dataset: Path, cfg: CfgNode, pid: int) -> None:
    before = files(dataset)
    number = spoil(dataset, pid)
    assert rebuild(cfg, dataset, pid) == (number, 2)
    assert files(dataset) == before and verify(dataset) == []
    assert rebuild(cfg, dataset, pid) == (number, 0)


def test_a_whole_folder_comes_back(dataset: Path, cfg: CfgNode) -> None:
    before = files(dataset)
    shutil.rmtree(dataset / "bounding_box_train")
    for pid in (1, 2, 3):
        rebuild(cfg, dataset, pid)
    assert files(dataset) == before


def test_build_says_how_to_mend_a_finished_set(dataset: Path, cfg: CfgNode) -> None:
    spoil(dataset, 2)
    before = files(dataset)
    with pytest.raises(UserError, match=r"files have gone missing.*verify.*build --only PID"):
        build(cfg, dataset)
    assert files(dataset) == before


def refused(cfg: CfgNode, output: Path, pid: int, message: str) -> None:
    before = files(output)
    with pytest.raises(UserError, match=message) as error:
        rebuild(cfg, output, pid)
    assert "\n" not in str(error.value)
    assert files(output) == before


@pytest.mark.parametrize("pid", [0, -1, 6])
def test_unknown_identity(dataset: Path, cfg: CfgNode, pid: int) -> None:
    refused(cfg, dataset, pid, f"no record of identity {pid}: its identities are 1 to 5")


def test_other_settings(dataset: Path, cfg: CfgNode) -> None:
    spoil(dataset, 1)
    cfg.JPEG_QUALITY = 90
    refused(cfg, dataset, 1, "JPEG_QUALITY 95, not 90")


def test_unfinished_set_and_no_set(dataset: Path, cfg: CfgNode, tmp_path: Path) -> None:
    (dataset / "dataset.json").unlink()
    refused(cfg, dataset, 1, "holds no finished set")
    refused(cfg, tmp_path / "none", 1, "holds no finished set")
    assert not (tmp_path / "none").exists()


def test_images_that_come_out_different_are_not_written(dataset: Path, cfg: CfgNode) -> None:
    """As on another machine: the record holds other bytes than are drawn here."""
    spoil(dataset, 1)
    table = dataset / "images.jsonl"
    lines = table.read_text().splitlines(keepends=True)
    lines[2] = re.sub(r'"sha256": "\w+"', f'"sha256": "{"0" * 64}"', lines[2])
    table.write_text("".join(lines))
    file = json.loads(lines[2])["file"]
    refused(cfg, dataset, 1, rf"came out different from its record \(1 of \d+ .*{file}")


def test_damaged_tables(dataset: Path, cfg: CfgNode) -> None:
    table = dataset / "identities.jsonl"
    whole = table.read_text()
    table.write_text("{}\n" + whole)
    refused(cfg, dataset, 1, r"no record of identity 1: identities\.jsonl: line 1")
    table.write_text(whole.replace('"candidate": 0', '"candidate": 1000'))
    refused(cfg, dataset, 1, "identity 1 now has another prompt")
    table.unlink()
    refused(cfg, dataset, 1, "no record of identity 1")
    (dataset / "dataset.json").write_text("{")
    refused(cfg, dataset, 1, r"dataset\.json is damaged")


@pytest.mark.usefixtures("one_thread")
def test_real_models_draw_the_same_bytes_again(
    drawn: Path, picky_cfg: CfgNode, models: Path, tmp_path: Path
) -> None:
    """Backgrounds are not kept, so they are drawn again as well; a batch is drawn whole."""
    output, before = Path(shutil.copytree(drawn, tmp_path / "set")), files(drawn)
    candidates = {row.pid: row.candidate for row in read_rows(output, IdentityRow, [])}
    pid = next(pid for pid, candidate in candidates.items() if candidate % 2)
    number = spoil(output, pid)
    cfg = picky_cfg.clone()
    cfg.DIFFUSION.POSE_CONTROLNET = str(shutil.copytree(models / "edge", tmp_path / "pose"))
    refused(cfg, output, pid, r"made by other models \(POSE_CONTROLNET changed\)")
    assert rebuild(picky_cfg, output, pid) == (number, 2)
    assert files(output) == before and verify(output) == []

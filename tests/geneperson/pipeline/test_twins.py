"""Identities that look like an earlier one: the same ones however a build went, and recorded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from yacs.config import CfgNode

from geneperson import UserError, build, verify
from geneperson.dataset.layout import DATASET, IDENTITIES, REJECTS, STAGING, IdentityRow, read_rows
from geneperson.dataset.stats import stats
from geneperson.pipeline.staging import Staging
from geneperson.pipeline.twins import TWIN

LIMIT = 0.21  # of the first eight candidates, these are not closer than it to an accepted one:
ACCEPTED, TWINS = [0, 1, 4, 5, 7], [2, 3, 6]


@pytest.fixture
def strict(cfg: CfgNode) -> CfgNode:
    cfg.QUALITY.TWINS, cfg.QUALITY.TWIN_SIMILARITY = "reject", LIMIT
    return cfg


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_twin_is_rejected_and_replaced(strict: CfgNode, tmp_path: Path) -> None:
    dataset = build(strict, tmp_path / "set")
    rows = read_rows(tmp_path / "set", IdentityRow, [])
    assert [row.candidate for row in rows] == ACCEPTED
    assert dataset["cells"]["rejected"] == {TWIN: 6 * len(TWINS)}
    rejects = [json.loads(line) for line in (tmp_path / "set" / REJECTS).read_text().splitlines()]
    assert rejects == [
        {"candidate": candidate, "pid": 0, "copy": 0, "cell": cell, "reason": TWIN}
        for candidate in TWINS
        for cell in range(6)
    ]
    assert (tmp_path / "set" / "rejects.jpg").is_file()
    assert verify(tmp_path / "set") == []
    assert f"cells rejected: {TWIN}18 (37.5 %)" in stats(tmp_path / "set").replace("  ", "")


def test_workers_and_interruptions_make_no_difference(strict: CfgNode, tmp_path: Path) -> None:
    build(strict, tmp_path / "one")
    build(strict, tmp_path / "two", workers=2)
    expected = files(tmp_path / "one")
    assert files(tmp_path / "two") == expected
    # stopped while publishing; the accepted candidates, whose images were moved, are drawn again
    output = tmp_path / "stopped"
    output.mkdir()
    Staging(output).root.mkdir()
    Staging(output).open({})
    (output / IDENTITIES).mkdir()
    with pytest.raises(UserError, match="Is a directory"):
        build(strict, output)
    (output / IDENTITIES).rmdir()
    for folder in (output / "bounding_box_train", output / "query", output / "bounding_box_test"):
        shutil.rmtree(folder)
    candidates = output / STAGING / "identities"
    for index in ACCEPTED:
        shutil.rmtree(candidates / f"{index:06d}")
    assert Staging(output).indices() == set(TWINS)
    build(strict, output)
    assert files(output) == expected


def test_twins_can_be_kept_as_hard_identities(strict: CfgNode, tmp_path: Path) -> None:
    strict.QUALITY.TWINS = "keep"
    dataset = build(strict, tmp_path / "set")
    rows = read_rows(tmp_path / "set", IdentityRow, [])
    assert [row.candidate for row in rows] == [0, 1, 2, 3, 4]
    assert [2, 4] in dataset["likeness"]["twins"]
    assert dataset["cells"]["rejected"] == {}
    assert "pairs of twins kept" in stats(tmp_path / "set")
    assert verify(tmp_path / "set") == []


def test_the_card_states_the_likeness(strict: CfgNode, tmp_path: Path) -> None:
    likeness = build(strict, tmp_path / "set")["likeness"]
    assert 0.9 < likeness["within"] <= 1.0
    assert likeness["nearest_other"] <= likeness["nearest_other_max"] < likeness["within"]
    card = (tmp_path / "set" / "README.md").read_text()
    assert f"{likeness['within']:.2f} (median cell, by clothes)" in card
    assert f"{likeness['nearest_other']:.2f} (median)" in card
    assert "similarity" not in (tmp_path / "set" / IDENTITIES).read_text()


def test_without_the_rules_nothing_is_recorded(pristine: Path) -> None:
    dataset = json.loads((pristine / DATASET).read_text())
    assert "likeness" not in dataset
    assert "similarity" not in stats(pristine)

"""The table at the end of a run, and summary.json: scores, and what they are scores of."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.config import CfgNode

from dppp import DPPPTrainer, UserError
from dppp.engine import evaluate, testing
from dppp.engine.summary import Summary, format_summary, summarize, write_summary
from dppp.engine.testing import open_test_sets

Config = Callable[..., CfgNode]

SCORES = {"Rank-1": 50.0, "Rank-5": 75.25, "mAP": 33.0}
SUMMARY = Summary(
    results_percent={"A": {"chance": SCORES, "after phase 1": SCORES}, "B": {"chance": SCORES}},
    queries={"A": {"valid": 178, "total": 180}, "B": {"valid": 9, "total": 9}},
    postprocess=[],
    not_available=["C"],
    precision="fp32",
)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_table() -> None:
    header, _, *rows = map(cells, format_summary(SUMMARY).splitlines())
    assert header == ["Test set", "Model", "Rank-1", "Rank-5", "mAP", "Queries"]
    assert rows == [
        ["A", "chance", "50.0", "75.2", "33.0", "178 of 180"],
        ["", "after phase 1", "50.0", "75.2", "33.0", ""],
        ["B", "chance", "50.0", "75.2", "33.0", "9"],
        ["C", "not available", "", "", "", ""],
    ]


def test_the_table_says_what_was_done_to_the_distances() -> None:
    done = dataclasses.replace(SUMMARY, postprocess=["one (k 1)", "two (k 2)"], not_available=[])
    assert format_summary(done).splitlines()[-2:] == ["", "Ranked after one (k 1) and two (k 2)."]
    bf16 = dataclasses.replace(SUMMARY, precision="bf16")
    assert format_summary(bf16).splitlines()[-2:] == ["", "Images encoded in bf16."]


def test_file(tmp_path: Path) -> None:
    write_summary(str(tmp_path), SUMMARY, 1.26)
    assert json.loads((tmp_path / "summary.json").read_text()) == {
        "results_percent": SUMMARY.results_percent,
        "queries": SUMMARY.queries,
        "postprocess": [],
        "not_available": ["C"],
        "precision": "fp32",
        "training_sec": 1.3,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_queries_without_a_match_are_not_counted(
    quickstart: Config, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the evaluator does not: the images of a person from all cameras but one are gone."""
    source = data_root / "GenePersonToy"
    monkeypatch.setenv("FASTREID_DATASETS", str(tmp_path))
    copy = tmp_path / "GenePersonToy"
    shutil.copytree(source, copy)
    queries = sorted((copy / "query").glob("*.jpg"))
    lost = queries[0].name[:4]
    for image in (copy / "bounding_box_test").glob(f"{lost}_*"):
        image.unlink()
    theirs = sum(path.name.startswith(lost) for path in queries)
    cfg = quickstart("DATASETS.TESTS", ("GenePersonToy",), "TEST.RERANK.ENABLED", True)
    summary = summarize(cfg, {}, open_test_sets(cfg).available, not_available=[])
    expected = {"valid": len(queries) - theirs, "total": len(queries)}
    assert theirs and summary.queries == {"GenePersonToy": expected}
    assert summary.postprocess == ["re-ranking (k1 20, k2 6, lambda 0.3)"]


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (("TEST.METRIC", "jaccard"), "TEST.METRIC is 'jaccard'"),
        (("TEST.AQE.ENABLED", True, "TEST.AQE.QE_TIME", 0), "TEST.AQE.QE_TIME is 0"),
        (("TEST.RERANK.ENABLED", True, "TEST.RERANK.K1", 999), "K1 is 999; with .* images"),
    ],
)
def test_test_settings_are_checked_before_anything_is_built(
    quickstart: Config, opts: tuple[object, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_nothing(*_: object) -> None:
        raise AssertionError("built")

    for part in ("build_model", "build_train_loader"):
        monkeypatch.setattr(DPPPTrainer, part, build_nothing)
    monkeypatch.setattr(testing, "build_model", build_nothing)
    with pytest.raises(UserError, match=says):
        DPPPTrainer(quickstart(*opts))
    with pytest.raises(UserError, match=says):
        evaluate(quickstart(*opts, "MODEL.WEIGHTS", "any.pth"))

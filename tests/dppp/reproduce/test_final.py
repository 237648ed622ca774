"""The final table is scored on the unseen world, and no other report is."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from dppp import UserError
from dppp.reproduce import REPORTS, Request, runs
from dppp.reproduce.final import ROWS, final_report
from helpers import DPPP_CONFIGS

UNSEEN = "GenePersonTwinsUnseen"
OPTS = ("SOLVER.PHASE_EPOCHS", "(4, 2)", "SOLVER.IMS_PER_BATCH", "16")


@pytest.fixture
def worlds(data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """FASTREID_DATASETS with an unseen world and five to train on; images do not matter here."""
    root = Path(shutil.copytree(data_root, tmp_path / "data"))
    shutil.copytree(root / "GenePersonTwinsShifted", root / UNSEEN)
    for number in range(31, 36):
        shutil.copytree(root / "GenePersonToy", root / f"GenePersonToyWorld{number}")
    monkeypatch.setenv("FASTREID_DATASETS", str(root))
    return root


def make(runs_dir: Path, **fields: Any) -> str:
    given = {"testbed": "embedded", "opts": OPTS} | fields
    return final_report(Request(name="final", runs_dir=runs_dir, **given))


def row_of(text: str, label: str) -> list[str]:
    (line,) = [one for one in text.splitlines() if one.startswith(f"| {label} ")]
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_rows_are_scored_on_the_unseen_world_alone(worlds: Path, tmp_path: Path) -> None:
    planned = make(tmp_path / "runs", output=tmp_path / "final.md")
    assert planned.count("not available: not trained") == len(ROWS) * 3
    rows = json.loads((tmp_path / "final.json").read_text())["rows"]
    for number, (label, row) in enumerate(rows.items()):
        (command,) = row["commands"]
        words = shlex.split(command)
        opts = words[words.index("--resume") + 1 : words.index("OUTPUT_DIR")]
        run = runs.plan_run(DPPP_CONFIGS / "testbed.yml", opts, tmp_path / "runs")
        assert run.config().DATASETS.TESTS == (UNSEEN,)
        assert len(run.config().DATASETS.NAMES) == (5 if "five camera worlds" in label else 1)
        score = {"Rank-1": 40.0, "Rank-5": 60.0, "mAP": 30.0 + number}
        stages = {"after phase 1": score, "after phase 2": score | {"mAP": 50.0 + number}}
        run.folder.mkdir(parents=True)
        content = {"results_percent": {UNSEEN: stages}, "not_available": []}
        (run.folder / "summary.json").write_text(json.dumps(content))
    text = make(tmp_path / "runs")
    assert row_of(text, "ID + triplet, epochs of both phases")[:4] == ["40.0", "60.0", "31.0", "6"]
    assert row_of(text, "PDM, v_c = P_s(v_g)")[2:4] == ["53.0", "4 + 2"]
    assert row_of(text, "PDM, v_c = v_g + P_s(v_g)")[2:4] == ["54.0", "4 + 2"]
    assert row_of(text, "five camera worlds: ID + triplet, compute of PDM")[2] == "35.0"
    assert row_of(text, "five camera worlds: PDM, v_c = v_g + P_s(v_g)")[2:4] == ["56.0", "4 + 2"]
    assert "five camera worlds: PDM, v_c = v_g + P_s(v_g) against PDM, v_c = v_g + P_s" in text
    assert "PDM, v_c = P_s(v_g) against ID + triplet, compute of PDM: +21.00" in text
    assert "Shifted" not in text


def test_no_other_report_shows_it(worlds: Path, tmp_path: Path) -> None:
    for name in REPORTS:
        if name in ("final", "table3", "fig6"):
            continue
        request = Request(name=name, testbed="embedded", runs_dir=tmp_path, opts=OPTS)
        assert UNSEEN not in REPORTS[name](request)
    with pytest.raises(UserError, match=rf"{UNSEEN} is the test set of `final` alone"):
        Request(
            name="pdm",
            testbed="embedded",
            runs_dir=tmp_path,
            opts=("DATASETS.TESTS", f"('{UNSEEN}',)"),
        )


def test_a_missing_world_is_named(worlds: Path, tmp_path: Path) -> None:
    shutil.rmtree(worlds / UNSEEN)
    text = make(tmp_path / "runs", train=True)  # nothing can be scored, so nothing is trained
    assert text.count(f"not available: {UNSEEN}") == len(ROWS) * 3
    assert not (tmp_path / "runs").exists()


def test_the_papers_testbed_has_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="final is a table of the embedded testbed; add --testbed"):
        make(tmp_path, testbed="paper")


def test_folders_of_the_request_stay_known(worlds: Path, tmp_path: Path) -> None:
    """A row may train on other worlds than the testbed's."""
    shutil.copytree(worlds / "GenePersonToy", worlds / "world-1")
    names = ("GenePersonToy", "world-1")
    given = ("DATASETS.GENEPERSON_DIRS", str(names), "DATASETS.NAMES", str(names))
    text = make(tmp_path, opts=(*OPTS, *given))
    assert text.count("not available: not trained") == len(ROWS) * 3

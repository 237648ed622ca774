"""With PDM against without, seed by seed."""

import json
from pathlib import Path
from typing import Any

import pytest

from dppp import UserError
from dppp.reproduce import Request, runs
from dppp.reproduce.pdm import PDM, pdm_report
from helpers import DPPP_CONFIGS

TEST = "GenePersonTwinsShifted"
PHASES = ["SOLVER.PHASE_EPOCHS", "(4, 2)", "SOLVER.STEPS", "[4]", "SOLVER.IMS_PER_BATCH", "16"]


def make(runs_dir: Path, **fields: Any) -> str:
    return pdm_report(Request(name=PDM, testbed="embedded", runs_dir=runs_dir, **fields))


def finish(config: str, epochs: str, level: float, runs_dir: Path) -> None:
    """Write finished runs of two seeds; ``epochs`` are PHASE_EPOCHS, and the steps to match."""
    extra = []
    if epochs:
        first = epochs.strip("(").split(",")[0]
        extra = ["SOLVER.PHASE_EPOCHS", epochs, "SOLVER.STEPS", f"[{first}]"]
    for seed in (0, 1):
        opts = [*runs.row_opts(f"ablations/{config}.yml"), *PHASES, *extra, "SEED", str(seed)]
        run = runs.plan_run(DPPP_CONFIGS / "testbed.yml", opts, runs_dir)
        run.folder.mkdir(parents=True)
        score = {"Rank-1": 40.0, "Rank-5": 60.0, "mAP": level + 2 * seed}
        stages = {"after phase 1": score, "after phase 2": score | {"mAP": level + 10 - seed}}
        content = {"results_percent": {TEST: stages}, "not_available": []}
        (run.folder / "summary.json").write_text(json.dumps(content))


def test_rows_and_files(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The baseline has phase 1's epochs, those of both phases, and those of the same compute."""
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    before = make(tmp_path, num_seeds=2, opts=tuple(PHASES), output=tmp_path / "pdm.md")
    assert before.count("not trained") == 7 * 3 and before.count(": not available;") == 8
    rows = json.loads((tmp_path / "pdm.json").read_text())["rows"]
    costs = {label: row["training_flop"] for label, row in rows.items()}
    (equal,) = rows["without PDM, compute of both phases"]["epochs"]
    goal = costs["with PDM, after phase 2, v_c = v_g + P_s(v_g)"]
    per_epoch = costs["without PDM, epochs of phase 1"] / 4
    assert equal > 6 and abs(equal * per_epoch - goal) <= per_epoch / 2
    assert costs["without PDM, compute of both phases"] == pytest.approx(equal * per_epoch)

    finish("baseline", "", 30, tmp_path)
    finish("baseline", "(6, 0)", 35, tmp_path)
    finish("baseline", f"({equal}, 0)", 38, tmp_path)
    finish("projector_residual", "", 41, tmp_path)
    finish("projector_literal", "", 40, tmp_path)
    text = make(tmp_path, num_seeds=2, opts=tuple(PHASES), output=tmp_path / "pdm.md")
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[4:6]]
        for line in text.splitlines()
        if line.startswith("| with")
    }
    assert cells == {
        "without PDM, epochs of phase 1": ["31.0 ± 1.4", "4"],
        "without PDM, epochs of both phases": ["36.0 ± 1.4", "6"],
        "without PDM, compute of both phases": ["39.0 ± 1.4", str(equal)],
        "with PDM, after phase 1": ["41.0 ± 1.4", "4"],
        "with PDM, after phase 2, v_c = P_s(v_g)": ["49.5 ± 0.7", "4 + 2"],
        "with PDM, after phase 2, v_c = v_g + P_s(v_g)": ["50.5 ± 0.7", "4 + 2"],
    }
    assert "after phase 1 against without PDM, epochs of phase 1: +10.00, better in 2 of 2" in text
    assert "compute of both phases: +10.50, better in 2 of 2 seeds, 95 % interval -8.56" in text
    assert f"; epochs 4 + 2 against {equal}, TFLOP " in text
    rows = json.loads((tmp_path / "pdm.json").read_text())["rows"]
    assert rows["with PDM, after phase 2, v_c = P_s(v_g)"]["scores"][TEST]["mAP"] == [50.0, 49.0]


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--seeds is 0"):
        make(tmp_path, num_seeds=0)
    with pytest.raises(UserError, match="no phase that has a loss has an epoch"):
        make(tmp_path, opts=("SOLVER.PHASE_EPOCHS", "(0, 3)"))


def test_without_the_training_set_no_row_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(tmp_path))
    text = make(tmp_path)
    assert text.count("not available: GenePersonToy ") == 7 * 3

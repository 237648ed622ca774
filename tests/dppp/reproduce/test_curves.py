"""Learning curves: each point is a run of its own length."""

import json
from pathlib import Path
from typing import Any

import pytest

from dppp import UserError
from dppp.reproduce import Request, runs
from dppp.reproduce.curves import curves_report
from dppp_commands.reproduce import parse
from helpers import DPPP_CONFIGS

TEST = "GenePersonTwinsShifted"
LENGTHS = {2: ("(2, 2)", "[1]"), 8: ("(8, 2)", "[5]")}


def make(runs_dir: Path, **fields: Any) -> str:
    given = {"testbed": "embedded", "epochs": (2, 8)} | fields
    return curves_report(Request(name="curves", runs_dir=runs_dir, **given))


def finish(config: str, epochs: int, level: float, runs_dir: Path) -> None:
    """Write finished runs of two seeds."""
    length = [
        word
        for key, value in zip(("PHASE_EPOCHS", "STEPS"), LENGTHS[epochs], strict=True)
        for word in (f"SOLVER.{key}", value)
    ]
    for seed in (0, 1):
        opts = [*runs.row_opts(f"ablations/{config}.yml"), *length, "SEED", str(seed)]
        run = runs.plan_run(DPPP_CONFIGS / "testbed.yml", opts, runs_dir)
        run.folder.mkdir(parents=True)
        score = {"Rank-1": 40.0, "Rank-5": 60.0, "mAP": level + 2 * seed}
        stages = {"after phase 1": score, "after phase 2": score | {"mAP": level + 1}}
        content = {"results_percent": {TEST: stages}, "not_available": []}
        (run.folder / "summary.json").write_text(json.dumps(content))


def test_points_and_picture(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    output = tmp_path / "curves.md"
    assert make(tmp_path, output=output).count("not available: not trained") == 2 * 3
    assert not output.with_suffix(".png").exists()  # nothing to draw yet

    finish("baseline", 2, 30, tmp_path)
    finish("baseline", 8, 36, tmp_path)
    finish("projector_residual", 8, 37, tmp_path)
    text = make(tmp_path, num_seeds=2, output=output)
    lines = [line for line in text.splitlines() if line.startswith(("| 2 ", "| 8 "))]
    short, long = ([cell.strip() for cell in line.split("|")[2:-1]] for line in lines)
    missing = "not available: not trained; --train does it"
    assert short == ["31.0 ± 1.4", missing, missing]
    assert long == ["37.0 ± 1.4", "38.0 ± 1.4", "38.0 ± 0.0"]
    assert "- ID + triplet, 8 epochs against 2: +6.00, better in 2 of 2 seeds" in text
    assert "- PDM, after phase 1, 8 epochs against 2: not available" in text
    assert "- PDM, after phase 1 against ID + triplet, 8 epochs: +1.00, better in 2 of 2" in text
    assert "reproduce.py curves --testbed embedded --seeds 2 --train --epochs 2,8`" in text
    assert output.with_suffix(".png").stat().st_size > 5000
    points = json.loads(output.with_suffix(".json").read_text())["curves"]["ID + triplet"]
    assert [(p["epochs"], p["measured"]) for p in points] == [(2, [30, 32]), (8, [36, 38])]


def test_epochs_are_given_with_commas(capsys: pytest.CaptureFixture[str]) -> None:
    args = parse(["curves", "--epochs", "1,3,30", "SEED", "1"])
    assert (args.epochs, args.opts) == ((1, 3, 30), ["SEED", "1"])
    for words, says in (
        (["curves", "--epochs", "1,,3"], " is not a whole number, 1 or more"),
        (["pdm", "--epochs", "1,3"], "pdm has no learning curves; for it, set SOLVER.PHASE_EPOCHS"),
    ):
        with pytest.raises(SystemExit, match="2"):
            parse(words)
        assert says in capsys.readouterr().err


@pytest.mark.parametrize("epochs", [(), (0, 2), (4, 2), (2, 2)])
def test_epochs_that_make_no_curve(epochs: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--epochs is '.*'; give numbers of 1 or more, ascending"):
        make(tmp_path, epochs=epochs)

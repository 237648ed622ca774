"""With PDM against without, seed by seed."""

import json
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import ttest_rel

from dppp import UserError
from dppp.reproduce import Request, runs
from dppp.reproduce.measuring import Measured
from dppp.reproduce.pdm import PDM, paired, pdm_report
from helpers import DPPP_CONFIGS

TEST = "GenePersonToyShifted"
LONGER = ["SOLVER.PHASE_EPOCHS", "(6, 0)", "SOLVER.STEPS", "[6]"]
PHASES = ["SOLVER.PHASE_EPOCHS", "(4, 2)", "SOLVER.STEPS", "[4]"]


def make(runs_dir: Path, **fields: Any) -> str:
    return pdm_report(Request(name=PDM, testbed="embedded", runs_dir=runs_dir, **fields))


def measured(*values: float) -> Measured:
    return Measured({TEST: {"mAP": list(values)}})


def test_the_difference_is_taken_seed_by_seed() -> None:
    with_it, without = (50.0, 61.0, 39.0, 55.0), (48.0, 60.0, 40.0, 50.0)
    text = paired(measured(*with_it), measured(*without), TEST)
    assert text.startswith("+1.8, better in 3 of 4 seeds")
    assert f"p = {ttest_rel(with_it, without).pvalue:.3f}" in text


def test_a_difference_without_spread_has_no_p() -> None:
    assert paired(measured(2.0, 3.0), measured(1.0, 2.0), TEST) == "+1.0, better in 2 of 2 seeds"
    far = paired(measured(50.0, 51.0, 50.5, 50.0), measured(1.0, 1.1, 1.2, 1.0), TEST)
    assert far.endswith("p < 0.001")


def test_what_is_missing_is_not_compared() -> None:
    assert paired(Measured(), measured(1.0), TEST) == "not available"
    assert paired(measured(2.0), measured(1.0), TEST) == "+1.0, better in 1 of 1 seeds"


def test_rows_and_files(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The baseline has phase 1's epochs once, and those of both phases once."""
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    before = make(tmp_path, num_seeds=2, opts=tuple(PHASES))
    assert before.count("not trained") == 5 * 3 and before.count(": not available") == 6
    for number, (config, extra) in enumerate(
        (
            ("baseline", []),
            ("baseline", LONGER),
            ("projector_residual", []),
            ("projector_literal", []),
        )
    ):
        for seed in (0, 1):
            opts = [*runs.row_opts(f"ablations/{config}.yml"), *PHASES, *extra, "SEED", str(seed)]
            run = runs.plan_run(DPPP_CONFIGS / "quickstart.yml", opts, tmp_path)
            run.folder.mkdir(parents=True)
            score = {"Rank-1": 40.0, "Rank-5": 60.0, "mAP": 30.0 + 10 * number + 2 * seed**number}
            stages = {"after phase 1": score, "after phase 2": score | {"mAP": 50.0 + number}}
            content = {"results_percent": {TEST: stages}, "not_available": []}
            (run.folder / "summary.json").write_text(json.dumps(content))
    text = make(tmp_path, num_seeds=2, opts=tuple(PHASES), output=tmp_path / "pdm.md")
    cells = {
        line.split("|")[1].strip(): line.split("|")[4].strip()
        for line in text.splitlines()
        if line.startswith("| with")
    }
    assert cells == {
        "without PDM, epochs of phase 1": "32.0 ± 0.0",
        "without PDM, epochs of both phases": "41.0 ± 1.4",
        "with PDM, after phase 1": "51.0 ± 1.4",
        "with PDM, after phase 2, v_c = P_s(v_g)": "53.0 ± 0.0",
        "with PDM, after phase 2, v_c = v_g + P_s(v_g)": "52.0 ± 0.0",
    }
    assert "against without PDM, epochs of phase 1: +19.0, better in 2 of 2" in text
    rows = json.loads((tmp_path / "pdm.json").read_text())["rows"]
    assert rows["with PDM, after phase 2, v_c = P_s(v_g)"]["scores"][TEST]["mAP"] == [53.0, 53.0]


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--seeds is 0"):
        make(tmp_path, num_seeds=0)
    with pytest.raises(UserError, match="phase 1 needs an epoch"):
        make(tmp_path, opts=("SOLVER.PHASE_EPOCHS", "(0, 3)"))

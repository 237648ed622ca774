"""One lever at a time, against the method without it."""

import json
from pathlib import Path

import pytest

from dppp.config import load_config
from dppp.reproduce import Request, runs
from dppp.reproduce.levers import _SETTINGS, LEVERS, levers_report
from helpers import DPPP_CONFIGS

TEST = "GenePersonTwinsShifted"
METHOD = runs.row_opts("ablations/projector_residual.yml")


def finish(settings: tuple[str, ...], level: float, runs_dir: Path, num_seeds: int = 3) -> None:
    """Write finished runs; after phase 2 their deviation is 1 over three seeds."""
    for seed, spread in enumerate((0.0, 2.0, 1.0, 1.0, 1.0)[:num_seeds]):
        opts = [*METHOD, *settings, "SEED", str(seed)]
        run = runs.plan_run(DPPP_CONFIGS / "testbed.yml", opts, runs_dir)
        run.folder.mkdir(parents=True)
        stages = {
            "after phase 1": {"mAP": level + spread},
            "after phase 2": {"mAP": level + 5 + spread},
        }
        content = {"results_percent": {TEST: stages}, "not_available": []}
        (run.folder / "summary.json").write_text(json.dumps(content))


def test_the_papers_testbed_has_the_levers_but_not_the_data(tmp_path: Path) -> None:
    opts = ("MODEL.DPPP.CLIP_PRETRAINED", "", "TEST.NFC.ENABLED", "True")
    text = levers_report(Request(name=LEVERS, testbed="paper", runs_dir=tmp_path, opts=opts))
    assert "| AugMix " in text and "camera worlds" not in text and "twins" not in text
    assert "\nRanked after neighbor feature centralization" in text


@pytest.mark.parametrize("label", _SETTINGS)
def test_a_lever_is_a_setting_that_every_config_takes(label: str) -> None:
    for config in ("testbed.yml", "vit_b16.yml", "../Baselines/bagtricks_R50.yml"):
        load_config(str(DPPP_CONFIGS / config), [*METHOD, *_SETTINGS[label]])


def rows_of(text: str) -> dict[str, list[str]]:
    return {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]]
        for line in text.splitlines()
        if line.startswith("| ")
    }


def test_rows_and_effects(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    finish((), 60, tmp_path)
    finish(_SETTINGS["flips"], 63, tmp_path)
    output = tmp_path / "levers.md"
    text = levers_report(
        Request(name=LEVERS, testbed="embedded", num_seeds=3, runs_dir=tmp_path, output=output)
    )
    rows = rows_of(text)
    assert set(_SETTINGS) < set(rows)
    assert rows["the method"] == ["", "61.0 ± 1.0", "66.0 ± 1.0", "3"]
    assert rows["flips"] == ["`INPUT.FLIP.ENABLED True`", "64.0 ± 1.0", "69.0 ± 1.0", "3"]
    assert rows["AugMix"][1].startswith("not available: not trained")
    assert rows["five camera worlds"][1].startswith("not available: GenePersonToyWorld31, ")
    assert "- flips, after phase 2: +3.00, better in 3 of 3 seeds\n" in text
    assert "- AugMix, after phase 1: not available\n" in text
    content = json.loads(output.with_suffix(".json").read_text())["rows"]["flips"]
    assert content["scores"]["after phase 1"][TEST]["mAP"] == [63, 65, 64]
    assert len(content["commands"]) == 3


def test_a_lever_that_loses_by_more_than_a_deviation_gets_three_seeds(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    finish((), 60, tmp_path, num_seeds=5)
    finish(_SETTINGS["AugMix"], 58.875, tmp_path, num_seeds=5)  # below by 1.125, deviation 1.0
    finish(_SETTINGS["flips"], 59.125, tmp_path, num_seeds=5)
    finish(_SETTINGS["random erasing"], 63, tmp_path, num_seeds=3)
    text = levers_report(Request(name=LEVERS, testbed="embedded", num_seeds=5, runs_dir=tmp_path))
    rows = rows_of(text)
    assert [rows[label][-1] for label in ("the method", "AugMix", "flips")] == ["5", "3", "5"]
    assert "- AugMix, after phase 2: -1.12, better in 0 of 3 seeds\n" in text
    assert "- flips, after phase 2: -0.88, better in 0 of 5 seeds\n" in text
    assert rows["random erasing"][1:] == ["not available: not trained; --train does it"] * 2 + ["0"]

"""tools/train_net.py as people run it: in processes of its own, from another folder."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch

import processes
from helpers import CONFIGS, ROOT, SMALL, TOY

Run = Callable[..., subprocess.CompletedProcess[str]]

TOOL = ROOT / "tools" / "train_net.py"


@pytest.fixture
def train_net(data_root: Path, tmp_path: Path) -> Run:
    """Run the tool in ``tmp_path``; its output goes to ``tmp_path/out``."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        environment = {"FASTREID_DATASETS": str(data_root)} | environment
        arguments = (*arguments, "OUTPUT_DIR", "out")
        return processes.run(TOOL, *arguments, cwd=tmp_path, environment=environment)

    return run


def assert_refused(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Status 2, one line beginning with ``error:``, no traceback anywhere."""
    assert result.returncode == 2, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    assert result.stderr.rstrip().endswith(errors[0])
    assert "Traceback" not in result.stderr + result.stdout
    for part in parts:
        assert part in errors[0]


def test_quickstart_trains_evaluates_and_evaluates_alone(train_net: Run, tmp_path: Path) -> None:
    quickstart = ["--config-file", CONFIGS / "DPPP" / "quickstart.yml"]
    result = train_net(*quickstart, *SMALL, "SOLVER.PHASE_EPOCHS", "(1,1)")
    assert result.returncode == 0, result.stderr
    assert "after phase 2" in result.stdout
    assert "random seed" not in result.stdout  # FastReID's, which decides nothing
    table = json.loads((tmp_path / "out" / "summary.json").read_text())["results_percent"]
    assert set(table["GenePersonToyShifted"]) == {"chance", "after phase 1", "after phase 2"}

    alone = train_net(*quickstart, "--eval-only", *SMALL, "MODEL.WEIGHTS", "out/model_final.pth")
    assert alone.returncode == 0, alone.stderr
    score = table["GenePersonToy"]["after phase 2"]["mAP"]
    row = next(line for line in alone.stdout.splitlines() if "this model" in line)
    assert row.split("|")[-3].strip() == f"{score:.1f}"  # then the number of queries


@pytest.mark.slow
def test_the_papers_recipe_takes_local_weights(train_net: Run, tmp_path: Path) -> None:
    """vit_b16.yml at full size, with random weights in place of OpenAI's."""
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-16-quickgelu")
    torch.save(model.state_dict(), tmp_path / "clip.pt")
    recipe = ["--config-file", CONFIGS / "DPPP" / "vit_b16.yml", *SMALL, *TOY]
    result = train_net(
        *recipe, "MODEL.DPPP.CLIP_PRETRAINED", "clip.pt", "SOLVER.PHASE_EPOCHS", "(1,1)"
    )
    assert result.returncode == 0, result.stderr
    table = json.loads((tmp_path / "out" / "summary.json").read_text())["results_percent"]
    assert set(table["GenePersonToy"]) == {"chance", "after phase 1", "after phase 2"}


def test_fastreids_bag_of_tricks_on_geneperson(train_net: Run, tmp_path: Path) -> None:
    result = train_net(
        "--config-file", CONFIGS / "Baselines" / "bagtricks_R50.yml", *SMALL, *TOY,
        "MODEL.BACKBONE.PRETRAIN", "False", "SOLVER.MAX_EPOCH", 1,
        "INPUT.SIZE_TRAIN", "[64,32]", "INPUT.SIZE_TEST", "[64,32]",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "after training" in result.stdout
    assert (tmp_path / "out" / "model_final.pth").exists()


def test_missing_baseline_weights(train_net: Run) -> None:
    baseline = ["--config-file", CONFIGS / "Baselines" / "bagtricks_R50.yml", *SMALL, *TOY]
    result = train_net(*baseline, "MODEL.BACKBONE.PRETRAIN_PATH", "nope.pth")
    assert_refused(result, "nope.pth", "MODEL.BACKBONE.PRETRAIN False")


def test_missing_clip_weights(data_root: Path, tmp_path: Path) -> None:
    """Without a network: one line, and the key that takes a file."""
    recipe = ["--config-file", CONFIGS / "DPPP" / "vit_b16.yml", *SMALL, *TOY]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": "empty", "FASTREID_DATASETS": str(data_root)}
    result = subprocess.run(  # a new process: the hub's package reads these when it is imported
        [sys.executable, TOOL, *map(str, recipe), "OUTPUT_DIR", "out"],
        cwd=tmp_path,
        env=os.environ | offline,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert_refused(result, "'openai'", "MODEL.DPPP.CLIP_PRETRAINED")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--config-file", "nope.yml"], ["nope.yml", "no such file"]),
        (["MODEL.DPPP.NOPE", 1], ["MODEL.DPPP.NOPE"]),
        (["SOLVER.IMS_PER_BATCH", "many"], ["SOLVER.IMS_PER_BATCH"]),
        (["MODEL.DPPP.LOSSES", "('L1_SubCon',)"], ["L1_SubCon", "L1_SupCon"]),
        (["DATASETS.NAMES", "('Nope',)"], ["'Nope'", "GENEPERSON_DIRS"]),
        (["--eval-only"], ["MODEL.WEIGHTS"]),
    ],
)
def test_mistakes(train_net: Run, arguments: list[object], parts: list[str]) -> None:
    if "--config-file" not in arguments:
        arguments = ["--config-file", CONFIGS / "DPPP" / "quickstart.yml", *arguments]
    assert_refused(train_net(*arguments), *parts)


def test_an_empty_data_folder(train_net: Run, tmp_path: Path) -> None:
    result = train_net(
        "--config-file", CONFIGS / "DPPP" / "quickstart.yml", FASTREID_DATASETS=str(tmp_path)
    )
    assert_refused(result, "GenePersonToy", "geneperson build")

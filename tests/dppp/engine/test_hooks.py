"""MODEL.FREEZE_LAYERS in two processes: DistributedDataParallel and dropped gradients agree."""

from pathlib import Path

import pytest
import torch

import processes
from helpers import CONFIGS, SMALL, TOY

CONFIG = CONFIGS / "Baselines" / "bagtricks_R50.yml"
OPTS = (
    *SMALL, *TOY,
    "DATASETS.TESTS", (),
    "MODEL.BACKBONE.PRETRAIN", False,
    "MODEL.BACKBONE.DEPTH", "18x",
    "MODEL.BACKBONE.FEAT_DIM", 512,
    "INPUT.SIZE_TRAIN", [32, 16],
    "INPUT.SIZE_TEST", [32, 16],
    "DATALOADER.NUM_INSTANCE", 2,
    "SOLVER.MAX_EPOCH", 2,
    "MODEL.FREEZE_LAYERS", ["backbone"],
    "SOLVER.FREEZE_ITERS", 3,  # 60 images: an epoch has 3 steps
)  # fmt: skip


def moved(
    before: dict[str, torch.Tensor], after: dict[str, torch.Tensor], weights: set[str]
) -> set[tuple[str, str]]:
    """Return the parts whose weights or batch statistics have changed."""
    return {
        (key.split(".")[0], "weights" if key in weights else "statistics")
        for key in before
        if not torch.equal(before[key], after[key])
    }


def test_a_frozen_part_in_two_processes(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    script = Path(__file__).parent / "frozen_run.py"
    opts = [*OPTS, "OUTPUT_DIR", tmp_path / "out"]
    processes.torchrun(2, script, CONFIG, tmp_path, *opts, cwd=tmp_path)
    (first, weights), (second, _) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    heads = {("heads", "weights"), ("heads", "statistics")}
    backbone = {("backbone", "weights"), ("backbone", "statistics")}
    for states in (first, second):
        assert moved(*states[:2], weights) == heads
        assert moved(*states[1:], weights) == heads | backbone
    for mine, other in zip(first, second, strict=True):
        assert all(torch.equal(mine[key], other[key]) for key in weights)

"""What only a GPU can show: one step in each number format, resuming, torchrun with NCCL."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fastreid.config import CfgNode

from dppp import DPPPTrainer
from helpers import DPPP_CONFIGS, ROOT, SMALL

Config = Callable[..., CfgNode]

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU"),
]
CUDA = ("MODEL.DEVICE", "cuda")


def train(cfg: CfgNode, resume: bool = False) -> DPPPTrainer:
    trainer = DPPPTrainer(cfg)
    trainer.resume_or_load(resume)
    trainer.train()
    return trainer


@pytest.mark.parametrize("amp", [None, "bf16", "fp16"])
def test_both_phases_in_each_number_format(quickstart: Config, amp: str | None) -> None:
    opts = () if amp is None else ("SOLVER.AMP.ENABLED", True, "SOLVER.AMP.DTYPE", amp)
    trainer = train(quickstart(*CUDA, *opts))
    assert all(torch.isfinite(value).all() for value in trainer.raw_model.state_dict().values())
    assert set(trainer.results) == {"phase 1", "phase 2"}


def test_resuming_from_phase_1(quickstart: Config) -> None:
    train(quickstart(*CUDA, "MODEL.DPPP.PHASES", (1,), "SOLVER.AMP.ENABLED", True))
    resumed = train(quickstart(*CUDA, "SOLVER.AMP.ENABLED", True), resume=True)
    assert resumed.start_epoch == 1
    assert set(resumed.results) == {"phase 1", "phase 2"}


def test_torchrun_with_one_process(data_root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=1"]
    command += [ROOT / "tools" / "train_net.py"]
    command += ["--config-file", DPPP_CONFIGS / "quickstart.yml", *SMALL, *CUDA]
    command += ["OUTPUT_DIR", "out"]
    env = os.environ | {"FASTREID_DATASETS": str(data_root)}
    result = subprocess.run(
        list(map(str, command)), cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "summary.json").exists()

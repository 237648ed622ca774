"""Two processes equal one on the same global batch, and both ways of starting them work."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fastreid.config import CfgNode

import processes
from helpers import DPPP_CONFIGS, ROOT, SMALL, free_url

ONE_STEP = Path(__file__).parent / "one_step.py"
TRAIN_NET = ROOT / "tools" / "train_net.py"


def test_two_processes_equal_one(quickstart: Callable[..., CfgNode], tmp_path: Path) -> None:
    cfg = quickstart("MODEL.HEADS.NUM_CLASSES", 4, "MODEL.LOSSES.PROTOTYPE.SCALE", 1.0)
    (tmp_path / "config.yml").write_text(cfg.dump())
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (16, 3, 64, 32), generator=generator).float()
    # Each identity lies in both halves, so its positives are in the other process too.
    torch.save({"images": images, "targets": torch.arange(4).repeat(4)}, tmp_path / "batch.pt")
    steps = {}
    for count in (1, 2):
        output = tmp_path / f"{count}.pt"
        files = [tmp_path / "config.yml", tmp_path / "batch.pt", output]
        processes.torchrun(count, ONE_STEP, *files, cwd=tmp_path)
        steps[count] = torch.load(output)
    for phase in (1, 2):
        one, two = steps[1][phase], steps[2][phase]
        assert ("loss_l1_prototype" in one["losses"]) == (phase == 1)
        assert two["losses"] == pytest.approx(one["losses"], abs=1e-5)
        for part in ("gradients", "statistics"):
            assert one[part].keys() == two[part].keys()
            for name, value in one[part].items():
                assert torch.allclose(two[part][name], value, atol=1e-5, rtol=1e-4), (part, name)


def trained(output: Path) -> bool:
    table = json.loads((output / "summary.json").read_text())["results_percent"]
    return "after phase 2" in table["GenePersonToy"] and (output / "model_final.pth").exists()


def test_training_by_torchrun(data_root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += [TRAIN_NET, "--config-file", DPPP_CONFIGS / "quickstart.yml", *SMALL]
    result = subprocess.run(
        [*map(str, command), "OUTPUT_DIR", "out"],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1", "FASTREID_DATASETS": str(data_root)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert trained(tmp_path / "out")


def test_training_by_num_gpus(data_root: Path, tmp_path: Path) -> None:
    """A mistake that only the processes find is still one line; without it, they train."""
    command = ["--config-file", DPPP_CONFIGS / "quickstart.yml", "--num-gpus", 2]
    command += ["--dist-url", free_url(), *SMALL, "OUTPUT_DIR", "out"]
    no_data = {"FASTREID_DATASETS": str(tmp_path)}
    result = processes.run(TRAIN_NET, *command, cwd=tmp_path, environment=no_data)
    assert result.returncode == 2, result.stderr
    assert "error: data set GenePersonToy" in result.stderr
    assert "Traceback" not in result.stderr

    data = {"FASTREID_DATASETS": str(data_root)}
    result = processes.run(TRAIN_NET, *command, cwd=tmp_path, environment=data)
    assert result.returncode == 0, result.stderr
    assert trained(tmp_path / "out")

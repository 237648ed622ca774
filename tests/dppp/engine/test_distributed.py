"""Two processes equal one on the same global batch, and both ways of starting them work."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from fastreid.config import CfgNode

from helpers import DPPP_CONFIGS, ROOT, SMALL, free_url

ONE_STEP = Path(__file__).parent / "one_step.py"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def run(
    command: Sequence[object], cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, timeout=300
    )


def test_two_processes_equal_one(quickstart: Callable[..., CfgNode], tmp_path: Path) -> None:
    cfg = quickstart("MODEL.HEADS.NUM_CLASSES", 4)
    (tmp_path / "config.yml").write_text(cfg.dump())
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (16, 3, 128, 64), generator=generator).float()
    # Each identity lies in both halves, so its positives are in the other process too.
    torch.save({"images": images, "targets": torch.arange(4).repeat(4)}, tmp_path / "batch.pt")
    steps = {}
    for count in (1, 2):
        output = tmp_path / f"{count}.pt"
        files = [tmp_path / "config.yml", tmp_path / "batch.pt", output]
        result = run([*TORCHRUN, count, ONE_STEP, *files], tmp_path)
        assert result.returncode == 0, result.stderr
        steps[count] = torch.load(output)
    for phase in (1, 2):
        one, two = steps[1][phase], steps[2][phase]
        assert two["losses"] == pytest.approx(one["losses"], abs=1e-5)
        for part in ("gradients", "statistics"):
            assert one[part].keys() == two[part].keys()
            for name, value in one[part].items():
                assert torch.allclose(two[part][name], value, atol=1e-5, rtol=1e-4), (part, name)


@pytest.mark.parametrize("start", ["--num-gpus", "torchrun"])
def test_training_in_two_processes(data_root: Path, tmp_path: Path, start: str) -> None:
    tool = ROOT / "tools" / "train_net.py"
    command = [*TORCHRUN, 2, tool] if start == "torchrun" else [sys.executable, tool]
    command += ["--config-file", DPPP_CONFIGS / "quickstart.yml"]
    if start != "torchrun":
        command += ["--num-gpus", 2, "--dist-url", free_url()]
    command += [*SMALL, "OUTPUT_DIR", "out"]
    result = run(command, tmp_path, FASTREID_DATASETS=str(data_root))
    assert result.returncode == 0, result.stderr
    table = json.loads((tmp_path / "out" / "summary.json").read_text())["results_percent"]
    assert "after phase 2" in table["GenePersonToy"]
    assert (tmp_path / "out" / "model_final.pth").exists()


def test_a_mistake_in_two_processes_is_still_a_line(tmp_path: Path) -> None:
    tool, config = ROOT / "tools" / "train_net.py", DPPP_CONFIGS / "quickstart.yml"
    command = [sys.executable, tool, "--config-file", config, "--num-gpus", 2]
    command += ["--dist-url", free_url()]
    result = run(command, tmp_path, FASTREID_DATASETS=str(tmp_path))
    assert result.returncode == 2, result.stderr
    assert "error: data set GenePersonToy" in result.stderr
    assert "Traceback" not in result.stderr

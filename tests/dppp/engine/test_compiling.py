"""Compiled training: one graph a phase, and the gradients are those without."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch
from fastreid.config import CfgNode
from torch._dynamo.testing import CompileCounter

import processes
from dppp import DPPPTrainer, UserError
from dppp.config import load_config
from helpers import DPPP_CONFIGS, ROOT, SMALL, free_url

Config = Callable[..., CfgNode]


def one_step(cfg: CfgNode, number: int) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Losses and gradients of the first step of a phase."""
    trainer = DPPPTrainer(cfg)
    losses = trainer.one_step(trainer.phases[number - 1])
    named = trainer.raw_model.named_parameters()
    return losses, {name: p.grad for name, p in named if p.grad is not None}


@pytest.mark.parametrize("number", [1, 2], ids=["phase 1", "phase 2"])
def test_a_phase_is_one_graph_compiled_once(quickstart: Config, number: int) -> None:
    """Whatever torch cannot translate would split it, and keep CUDA graphs from working."""
    trainer = DPPPTrainer(quickstart())
    trainer.enter_phase(trainer.phases[number - 1])
    trainer._start_data(trainer.phase, 0)
    graphs = CompileCounter()
    model = torch.compile(trainer.raw_model, dynamic=False, backend=graphs)
    for batch in islice(trainer._trainer._data_loader_iter, 3):
        sum(model(batch).values()).backward()
    assert graphs.frame_count == 1


@pytest.mark.slow  # each phase is translated to C++ and compiled
@pytest.mark.parametrize("number", [1, 2], ids=["phase 1", "phase 2"])
def test_losses_and_gradients_are_those_without(quickstart: Config, number: int) -> None:
    torch._dynamo.reset()
    losses, gradients = one_step(quickstart("SOLVER.COMPILE", "default"), number)
    expected_losses, expected = one_step(quickstart(), number)
    assert losses == pytest.approx(expected_losses, rel=1e-4)
    assert gradients.keys() == expected.keys()
    for name, gradient in expected.items():
        largest = gradient.abs().max()
        assert torch.allclose(gradients[name], gradient, rtol=1e-3, atol=1e-4 * largest), name


@pytest.mark.slow
def test_a_run_of_two_processes(data_root: Path, tmp_path: Path) -> None:
    command = ["--config-file", DPPP_CONFIGS / "quickstart.yml", "--num-gpus", 2]
    command += ["--dist-url", free_url(), *SMALL, "SOLVER.COMPILE", "default", "OUTPUT_DIR", "out"]
    command += ["MODEL.DPPP.PHASES", (1,)]
    data = {"FASTREID_DATASETS": str(data_root)}
    train_net = ROOT / "tools" / "train_net.py"
    result = processes.run(train_net, *command, cwd=tmp_path, environment=data)
    assert result.returncode == 0, result.stderr


def test_mistakes(quickstart: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"SOLVER\.COMPILE is 'fast'; allowed: '', 'default'"):
        load_config("", ["SOLVER.COMPILE", "fast"])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"SOLVER\.COMPILE needs a C\+\+ compiler on a CPU"):
        DPPPTrainer(quickstart("SOLVER.COMPILE", "default"))

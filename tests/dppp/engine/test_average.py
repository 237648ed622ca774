"""SOLVER.EMA_DECAY: the average by hand, what it leaves alone, what is evaluated, resuming."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fastreid.config import CfgNode
from fastreid.engine.train_loop import HookBase
from torch import nn

import dppp
from dppp import DPPPTrainer, UserError
from dppp.config import load_config
from dppp.engine import evaluate
from dppp.engine.average import WeightAverage
from helpers import BASELINE, DPPP_CONFIGS, SMALL, FinishedRun

Config = Callable[..., CfgNode]
ON = ("SOLVER.EMA_DECAY", 0.9)
LEVERS = (*ON, "MODEL.LOSSES.PROTOTYPE.SCALE", 1.0)  # prototypes too are resumed
# Three steps an epoch: steps 0-2 and 3-5 are phase 1, 6-8 phase 2.
EPOCHS = ("SOLVER.PHASE_EPOCHS", (2, 1), "SOLVER.CHECKPOINT_PERIOD", 1, "DATASETS.TESTS", ())


class Stop(HookBase):
    """Ends the run as a kill would, before the step ``at``."""

    def __init__(self, at: int) -> None:
        self.at = at

    def before_step(self) -> None:
        if self.trainer.iter == self.at:
            raise KeyboardInterrupt


def train(cfg: CfgNode, *hooks: HookBase, resume: bool = False) -> DPPPTrainer:
    trainer = DPPPTrainer(cfg)
    trainer.resume_or_load(resume)
    trainer.register_hooks(list(hooks))
    trainer.train()
    return trainer


def assert_equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> None:
    assert one.keys() == two.keys()
    assert not [key for key in one if not torch.equal(one[key], two[key])]


def steps(model: nn.Module, average: WeightAverage, number: int) -> dict[str, list[torch.Tensor]]:
    """Change the weights as often as said; return how each tensor was, before and after each."""
    seen = {name: [value.clone()] for name, value in model.state_dict().items()}
    for _ in range(number):
        for value in model.state_dict().values():
            value.add_(1 if value.dtype == torch.int64 else torch.randn_like(value))
        average.update()
        for name, value in model.state_dict().items():
            seen[name].append(value.clone())
    return seen


def test_the_average_by_hand_and_its_place_in_the_model() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    model[2].requires_grad_(requires_grad=False)
    average = WeightAverage(model, 0.25)
    seen = steps(model, average, 5)
    expected = {}
    for name, values in seen.items():
        expected[name] = values[0]
        for t, value in enumerate(values[1:], start=1):
            decay = min(0.25, (1 + t) / (10 + t))  # 2/11, 3/12 = 0.25, 0.25 ...
            expected[name] = decay * expected[name] + (1 - decay) * value
    for name in ("2.weight", "2.bias", "1.num_batches_tracked"):  # frozen, or a number of steps
        expected[name] = seen[name][-1]
    with average.applied():
        for name, value in model.state_dict().items():
            assert torch.allclose(value, expected[name], atol=1e-6), name
    assert_equal(model.state_dict(), {name: values[-1] for name, values in seen.items()})


def test_a_checkpoint_has_the_average_as_its_model() -> None:
    torch.manual_seed(0)
    model, other = nn.Linear(2, 3), nn.Linear(2, 3)
    average, resumed = WeightAverage(model, 0.9), WeightAverage(other, 0.9)
    steps(model, average, 2)
    with average.applied():
        other.load_state_dict(model.state_dict())
        resumed.load_state_dict(average.state_dict())
    assert_equal(other.state_dict(), model.state_dict())
    for each in (model, other):
        each.weight.data.fill_(1.0)
    average.update()
    resumed.update()
    assert_equal(resumed.state_dict()["weights"], average.state_dict()["weights"])


def test_what_is_scored_saved_and_loaded_is_the_average(
    quickstart: Config, pristine_run: FinishedRun, tmp_path: Path
) -> None:
    trainer = train(quickstart(*ON))
    for phase in (1, 2):
        path = tmp_path / f"model_phase{phase}.pth"
        assert evaluate(quickstart("MODEL.WEIGHTS", str(path))) == trainer.results[f"phase {phase}"]
    files = [
        torch.load(folder / "model_phase1.pth", weights_only=True)
        for folder in (tmp_path, pristine_run.folder)
    ]
    averaged, raw, plain = files[0]["model"], files[0]["average"]["weights"], files[1]["model"]
    assert not [key for key in raw if not torch.equal(raw[key], plain[key])]  # as without it
    moved = {key for key in averaged if not torch.equal(averaged[key], plain[key])}
    assert {"towers.visual.proj", "content_inversion.mlp.0.weight"} <= moved <= set(raw)
    final = torch.load(tmp_path / "model_final.pth", weights_only=True)["model"]
    encoder = {key for key in moved if key.startswith("towers.visual.")}
    assert all(torch.equal(final[key], averaged[key]) for key in encoder)  # phase 2 froze it so

    images = torch.randint(0, 256, (2, 3, 64, 32), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        own = nn.functional.normalize(trainer.raw_model.eval()(images.float())).numpy()
    for name in ("model_final.pth", "model_inference.pth"):
        embedder = dppp.load(tmp_path / name, device="cpu")
        np.testing.assert_allclose(embedder.embed_pixels([*images]), own, atol=1e-5)


@pytest.fixture(scope="module")
def uninterrupted(
    data_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, torch.Tensor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTREID_DATASETS", str(data_root))
        opts = [*SMALL, *EPOCHS, *LEVERS, "OUTPUT_DIR", str(tmp_path_factory.mktemp("whole"))]
        trainer = train(load_config(str(DPPP_CONFIGS / "quickstart.yml"), opts))
    return trainer.raw_model.state_dict()


@pytest.mark.parametrize("stop_at", [4, 6], ids=["in phase 1", "at the boundary"])
def test_stopped_and_resumed_equals_uninterrupted(
    quickstart: Config, uninterrupted: dict[str, torch.Tensor], stop_at: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(quickstart(*EPOCHS, *LEVERS), Stop(stop_at))
    cfg = quickstart(*EPOCHS, *LEVERS, "DATALOADER.NUM_WORKERS", 2)
    assert_equal(train(cfg, resume=True).raw_model.state_dict(), uninterrupted)
    assert_equal(train(cfg, resume=True).raw_model.state_dict(), uninterrupted)  # nothing to do
    assert uninterrupted["prototype_memory.prototypes"].any(dim=1).all()


def test_a_baseline_is_scored_with_its_average(quickstart: Config, tmp_path: Path) -> None:
    run = (*BASELINE, *ON, "SOLVER.MAX_EPOCH", 1)
    trainer = train(quickstart(*run))
    path = tmp_path / "model_final.pth"
    scores = evaluate(quickstart(*run, "MODEL.WEIGHTS", str(path)))
    assert scores == trainer.results["training"]
    saved = torch.load(path, weights_only=True)
    key = "backbone.bn1.running_mean"
    assert not torch.equal(saved["model"][key], saved["average"]["weights"][key])


def test_it_is_off_unless_asked_for(pristine_run: FinishedRun) -> None:
    saved = torch.load(pristine_run.folder / "model_final.pth", weights_only=True)
    assert "average" not in saved


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_that_means_nothing(quickstart: Config, decay: float) -> None:
    with pytest.raises(UserError, match=rf"EMA_DECAY is {decay}; it must be 0 or more and below 1"):
        quickstart("SOLVER.EMA_DECAY", decay)

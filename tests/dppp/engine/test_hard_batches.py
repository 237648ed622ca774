"""HardIdentitySampler in training: it follows the present model, resumes, and processes agree."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from fastreid.config import CfgNode
from fastreid.engine.train_loop import HookBase

import processes
from dppp import DPPPTrainer, UserError
from dppp.config import load_config
from dppp.data.images import read_image
from dppp.data.transforms import build_transforms
from dppp.engine.prototypes import start_prototypes
from helpers import BASELINE, DPPP_CONFIGS, SMALL

Config = Callable[..., CfgNode]
HARD = ("DATALOADER.SAMPLER_TRAIN", "HardIdentitySampler")
P = 16 // 4


class Note(HookBase):
    """Keeps what is near in each epoch, and may stop the run before a step."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.nearest: list[list[list[int]]] = []

    def before_step(self) -> None:
        batches = self.trainer.data_loader.batch_sampler
        if not self.nearest or batches._nearest is not self.nearest[-1]:
            self.nearest.append(batches._nearest)
        if self.trainer.iter == self.stop_at:
            raise KeyboardInterrupt


def train(cfg: CfgNode, note: Note, resume: bool = False) -> dict[str, torch.Tensor]:
    trainer = DPPPTrainer(cfg)
    trainer.resume_or_load(resume)
    trainer.register_hooks([note])
    trainer.train()
    return trainer.raw_model.state_dict()


@pytest.mark.parametrize("model", [(), BASELINE], ids=["CLIPDPPP", "Baseline"])
def test_batches_are_what_the_present_model_finds_near(quickstart: Config, model: tuple) -> None:
    trainer = DPPPTrainer(quickstart(*HARD, *model))
    batches, train_set = trainer.data_loader.batch_sampler, trainer.data_loader.dataset
    before = {key: value.clone() for key, value in trainer.raw_model.state_dict().items()}
    trainer._start_data(trainer.phase, 0)
    assert trainer.raw_model.training
    after = trainer.raw_model.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())

    transforms = build_transforms(trainer.cfg, is_train=False)
    items = [train_set.img_items[index] for index in batches.representatives()]
    images = torch.stack([transforms(read_image(path)).float() for path, *_ in items])
    with torch.no_grad():
        features = F.normalize(trainer.raw_model.eval()(images))
    similarity = features @ features.T
    for anchor, row in enumerate(batches._nearest):
        assert row[0] == anchor
        rest = similarity[anchor].clone()
        rest[anchor] = -2
        expected = rest.sort(descending=True).values[: P - 1]
        assert torch.allclose(similarity[anchor, row[1:]], expected, atol=1e-4)


def test_resumed_with_workers_equals_uninterrupted(quickstart: Config, tmp_path: Path) -> None:
    epochs = ("SOLVER.PHASE_EPOCHS", (2, 1), "SOLVER.CHECKPOINT_PERIOD", 1)
    run = (*HARD, *epochs, "DATASETS.TESTS", ())
    notes = [Note(), Note(stop_at=4), Note()]  # three steps an epoch
    expected = train(quickstart(*run, "OUTPUT_DIR", str(tmp_path / "whole")), notes[0])
    assert len(notes[0].nearest) == 3
    assert notes[0].nearest[0] != notes[0].nearest[1]
    with pytest.raises(KeyboardInterrupt):
        train(quickstart(*run), notes[1])
    cfg = quickstart(*run, "DATALOADER.NUM_WORKERS", 2, "DATALOADER.CACHE", "ram")
    resumed = train(cfg, notes[2], resume=True)
    assert notes[2].nearest == notes[0].nearest[1:]
    assert not [key for key in expected if not torch.equal(expected[key], resumed[key])]


def in_two_processes(folder: Path, opts: list) -> tuple[tuple, tuple]:
    """Return what levers_run.py finds in each."""
    script = Path(__file__).parent / "levers_run.py"
    processes.torchrun(2, script, DPPP_CONFIGS / "quickstart.yml", folder, *opts, cwd=folder)
    return torch.load(folder / "0.pt"), torch.load(folder / "1.pt")


def test_two_processes_agree_on_a_baselines_prototypes(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    opts = [*SMALL, *BASELINE, *HARD, "MODEL.LOSSES.PROTOTYPE.SCALE", 1.0]
    first, second = in_two_processes(tmp_path, [*opts, "OUTPUT_DIR", str(tmp_path)])
    assert not first[0].any() and torch.equal(first[3], second[3])
    assert first[3].any(dim=1).sum() == 4  # identities of the batch, two of each process


def test_two_processes_agree_on_prototypes_and_hard_batches(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    opts = [*SMALL, *HARD, "MODEL.LOSSES.PROTOTYPE.SCALE", 1.0, "OUTPUT_DIR", str(tmp_path)]
    first, second = in_two_processes(tmp_path, opts)
    assert torch.equal(first[0], second[0]) and torch.equal(first[3], second[3])
    trainer = DPPPTrainer(load_config(str(DPPP_CONFIGS / "quickstart.yml"), opts))
    start_prototypes(trainer.cfg, trainer.raw_model, trainer.data_loader.dataset)
    alone = trainer.raw_model.prototype_memory.prototypes
    assert torch.allclose(first[0], alone, atol=1e-5)

    nearest, other = first[1], second[1]
    trainer._start_data(trainer.phase, 0)
    assert nearest == other == trainer.data_loader.batch_sampler._nearest
    for mine, theirs in zip(first[2], second[2], strict=True):
        assert len(mine) == len(theirs) == 8
        identities = [pid for pid, _ in [*mine, *theirs]]
        assert identities[::4] in nearest
        assert identities == [pid for pid in identities[::4] for _ in range(4)]


def test_precise_batch_statistics_are_refused(quickstart: Config) -> None:
    with pytest.raises(UserError, match=r"PRECISE_BN cannot draw the batches of HardIdentity"):
        DPPPTrainer(quickstart(*BASELINE, *HARD, "TEST.PRECISE_BN.ENABLED", True))

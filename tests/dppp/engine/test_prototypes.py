"""MODEL.LOSSES.PROTOTYPE in training: where it starts and what it does; test_average.py resumes."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from fastreid.config import CfgNode

from dppp import DPPPTrainer, UserError
from dppp.data.images import read_image
from dppp.data.transforms import build_transforms
from dppp.engine import evaluate
from dppp.engine.prototypes import start_prototypes
from helpers import BASELINE

Config = Callable[..., CfgNode]
KEY = "prototype_memory.prototypes"
ON = ("MODEL.LOSSES.PROTOTYPE.SCALE", 0.5)


def test_prototypes_start_from_all_images(quickstart: Config) -> None:
    trainer = DPPPTrainer(quickstart(*ON))
    model, train_set = trainer.raw_model, trainer.data_loader.dataset
    start_prototypes(trainer.cfg, model, train_set)
    assert model.training

    transforms, features = build_transforms(trainer.cfg, is_train=False), defaultdict(list)
    model.eval()
    for path, label, *_ in train_set.img_items:
        pixels = model.normalize(transforms(read_image(path)).float()[None])
        with torch.no_grad():
            v_g = model.towers.encode_image(pixels).projected
        features[train_set.pid_dict[label]].append(F.normalize(v_g)[0])
    assert len(features) == 10
    means = F.normalize(torch.stack([torch.stack(features[n]).mean(dim=0) for n in range(10)]))
    assert torch.allclose(model.prototype_memory.prototypes, means, atol=1e-4)

    model.prototype_memory.prototypes.neg_()  # as if a checkpoint had brought them
    start_prototypes(trainer.cfg, model, train_set)
    assert torch.allclose(model.prototype_memory.prototypes, -means, atol=1e-4)


def test_the_loss_is_one_of_phase_1_and_has_its_weight(quickstart: Config) -> None:
    losses = {}
    for scale in (0.0, 1.0, 3.0):
        trainer = DPPPTrainer(quickstart("MODEL.LOSSES.PROTOTYPE.SCALE", scale))
        losses[scale] = trainer.one_step(trainer.phases[0])
    off, one, three = losses.values()
    assert set(one) - set(off) == {"loss_l1_prototype"}
    assert three["loss_l1_prototype"] == pytest.approx(3 * one["loss_l1_prototype"])
    assert {name: one[name] for name in off} == pytest.approx(off)
    assert "loss_l1_prototype" not in trainer.one_step(trainer.phases[1])


def test_a_baseline_has_it_on_the_features_of_its_triplet(quickstart: Config) -> None:
    trainer = DPPPTrainer(quickstart(*BASELINE, *ON, "MODEL.HEADS.NECK_FEAT", "before"))
    losses = trainer.one_step()
    assert set(losses) == {"loss_cls", "loss_triplet", "loss_prototype"}
    # four identities of a batch are known after it, each near its own mean
    assert trainer.raw_model.prototype_memory.prototypes.any(dim=1).sum() == 4
    assert 0 < losses["loss_prototype"] < 0.5 * torch.tensor(4.0).log()


def test_files_say_nothing_that_inference_does_not_need(quickstart: Config, tmp_path: Path) -> None:
    trainer = DPPPTrainer(quickstart(*ON, "MODEL.DPPP.PHASES", (1,)))
    trainer.train()
    saved = {
        name: torch.load(tmp_path / f"model_{name}.pth", weights_only=True)["model"]
        for name in ("final", "inference")
    }
    assert KEY in saved["final"] and KEY not in saved["inference"]
    assert "weight_l1_prototype" in json.loads(
        (tmp_path / "metrics.json").read_text().split("\n")[0]
    )
    path = ("MODEL.WEIGHTS", str(tmp_path / "model_final.pth"), "MODEL.DPPP.PHASES", (1,))
    for opts in ((), ON):
        assert evaluate(quickstart(*opts, *path)) == trainer.results["phase 1"]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("SCALE", -1.0, "0 or more"),
        ("MOMENTUM", 1.0, "0 or more and below 1"),
        ("TEMPERATURE", 0.0, "above 0"),
    ],
)
def test_values_that_mean_nothing(quickstart: Config, key: str, value: float, says: str) -> None:
    with pytest.raises(UserError, match=rf"PROTOTYPE\.{key} is {value}; it must be {says}"):
        quickstart(f"MODEL.LOSSES.PROTOTYPE.{key}", value)

"""A model of somebody else trains, resumes, is scored and embeds without a change elsewhere."""

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from fastreid.config import CfgNode
from fastreid.engine.train_loop import HookBase
from fastreid.modeling.meta_arch import META_ARCH_REGISTRY
from PIL import Image
from torch import Tensor, nn

import dppp
from dppp import DPPPTrainer, UserError
from dppp.engine import evaluate
from dppp.modeling import PhasePlan, ReIDModel, TrainedGroup
from dppp.modeling.interface import META_ARCHITECTURE
from helpers import ROOT

PACKAGE = ROOT / "projects" / "DPPP" / "dppp"
Config = Callable[..., CfgNode]


@META_ARCH_REGISTRY.register()
class ToyTwoPhases(ReIDModel):
    """Phase "encoder" trains a convolution, phase "projector" a linear layer on top of it."""

    phase_keys = ("SOLVER.PHASE_EPOCHS",)

    def __init__(self, cfg: CfgNode) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.projector = nn.Linear(8, 6)
        self.num_classes = cfg.MODEL.HEADS.NUM_CLASSES
        self.classifier = nn.Linear(6, self.num_classes or 1)
        self.size = list(cfg.INPUT.SIZE_TEST)
        for key in ("pixel_mean", "pixel_std"):
            values = torch.tensor(cfg.MODEL[key.upper()]).view(1, 3, 1, 1)
            self.register_buffer(key, values, persistent=False)
        self.phase = 1

    @classmethod
    def check_config(cls, cfg: CfgNode) -> None:
        if cfg.SOLVER.BASE_LR > 1:
            raise UserError("too fast for a toy")

    @classmethod
    def plan_phases(cls, cfg: CfgNode) -> list[PhasePlan]:
        names = ("encoder", "projector")
        return [
            PhasePlan(name=name, number=number, epochs=epochs)
            for number, (name, epochs) in enumerate(
                zip(names, cfg.SOLVER.PHASE_EPOCHS, strict=True), start=1
            )
        ]

    def start_phase(self, number: int) -> None:
        self.phase = number
        self.encoder.requires_grad_(number == 1)
        self.projector.requires_grad_(number == 2)

    def trained_groups(self) -> list[TrainedGroup]:
        part = self.encoder if self.phase == 1 else self.projector
        return [
            TrainedGroup(name="part", parts=(part,)),
            TrainedGroup(name="head", parts=(self.classifier,), is_new=True),
        ]

    def forward(self, batch: dict[str, Tensor] | Tensor) -> dict[str, Tensor] | Tensor:
        images = batch if isinstance(batch, Tensor) else batch["images"]
        features = self.projector(self.encoder((images - self.pixel_mean) / self.pixel_std))
        if not self.training or isinstance(batch, Tensor):
            return features
        self.watched = {"feature_norm": features.detach().norm(dim=1).mean()}
        loss = nn.functional.cross_entropy(self.classifier(features), batch["targets"])
        return {"loss_toy": loss}

    def describe_architecture(self, *, inference_only: bool = False) -> dict[str, Any]:
        return {
            META_ARCHITECTURE: type(self).__name__,
            "MODEL.PIXEL_MEAN": self.pixel_mean.flatten().tolist(),
            "MODEL.PIXEL_STD": self.pixel_std.flatten().tolist(),
            "INPUT.SIZE_TEST": self.size,
            "inference_only": inference_only,
        }

    @classmethod
    def configure(cls, cfg: CfgNode, facts: Mapping[str, Any]) -> None:
        for key in ("MODEL.PIXEL_MEAN", "MODEL.PIXEL_STD", "INPUT.SIZE_TEST"):
            cfg.merge_from_list([key, facts[key]])

    def adapt_state(self, facts: Mapping[str, Any] | None, state: dict[str, Tensor]) -> None:
        if facts is None or facts[META_ARCHITECTURE] != type(self).__name__:
            raise self.other_model()
        if not self.num_classes:
            for key in [key for key in state if key.startswith("classifier.")]:
                del state[key]

    def inference_state(self) -> dict[str, Tensor]:
        state = self.state_dict()
        return {key: value for key, value in state.items() if not key.startswith("classifier.")}


class StopAfterPhaseOne(HookBase):
    """Ends the run as Ctrl-C does, before the first step of the second phase."""

    def before_step(self) -> None:
        if self.trainer.phase.number == 2:
            raise KeyboardInterrupt


@pytest.fixture
def toy(quickstart: Config) -> Config:
    """Return a function from ``KEY, VALUE, ...`` to a config of a small run of the toy."""
    return lambda *opts: quickstart(
        "MODEL.META_ARCHITECTURE", "ToyTwoPhases", "SOLVER.BASE_LR", 0.01, *opts
    )


def train(cfg: CfgNode, *hooks: HookBase, resume: bool = False) -> DPPPTrainer:
    trainer = DPPPTrainer(cfg)
    trainer.resume_or_load(resume=resume)
    trainer.register_hooks(list(hooks))
    trainer.train()
    return trainer


def test_both_phases_train_and_resuming_equals_going_straight_through(
    toy: Config, tmp_path: Path
) -> None:
    whole = train(toy("OUTPUT_DIR", str(tmp_path / "whole")))
    assert list(whole.results) == ["encoder", "projector"]
    rates = {group["name"]: group["lr"] for group in whole.optimizer.param_groups}
    assert rates["head"] == pytest.approx(10 * rates["part"])

    cfg = toy("OUTPUT_DIR", str(tmp_path / "stopped"), "SOLVER.CHECKPOINT_PERIOD", 1)
    with pytest.raises(KeyboardInterrupt):
        train(cfg, StopAfterPhaseOne())
    resumed = train(cfg, resume=True)
    assert resumed.start_epoch == 1
    assert resumed.results == whole.results
    expected, state = whole.raw_model.state_dict(), resumed.raw_model.state_dict()
    assert not [key for key in expected if not torch.equal(expected[key], state[key])]

    after = [
        torch.load(tmp_path / "whole" / f"model_{name}.pth", weights_only=True)["model"]
        for name in ("encoder", "projector")
    ]
    moved = {key.split(".")[0] for key in after[0] if not torch.equal(after[0][key], after[1][key])}
    assert moved == {"projector", "classifier"}
    assert "feature_norm" in (tmp_path / "whole" / "metrics.json").read_text()


def test_it_is_scored_and_embeds(toy: Config, tmp_path: Path) -> None:
    trainer = train(toy())
    assert (
        evaluate(toy("MODEL.WEIGHTS", str(tmp_path / "model_final.pth")))
        == (trainer.results["projector"])
    )
    picture = Image.new("RGB", (64, 128), (200, 30, 90))
    models = [
        dppp.load(tmp_path / name, device="cpu")
        for name in ("model_final.pth", "model_inference.pth", "config.yaml")
    ]
    assert {model.name for model in models} == {"ToyTwoPhases"}
    first, *others = [model.embed([picture]) for model in models]
    assert first.shape == (1, 6)
    assert all((other == first).all() for other in others)
    with pytest.raises(UserError, match="no text side"):
        models[0].embed_texts(["a man"])


def test_a_checkpoint_of_another_model_is_refused(
    toy: Config, quickstart: Config, tmp_path: Path
) -> None:
    train(toy())
    path = str(tmp_path / "model_final.pth")
    with pytest.raises(UserError, match=r"model_final\.pth: is not of a CLIPDPPP"):
        evaluate(quickstart("MODEL.WEIGHTS", path))
    train(quickstart("MODEL.DPPP.PHASES", (1,)))
    with pytest.raises(UserError, match=r"model_final\.pth: is not of a ToyTwoPhases"):
        evaluate(toy("MODEL.WEIGHTS", path))


def test_its_settings_are_checked_when_they_are_read(toy: Config) -> None:
    with pytest.raises(UserError, match="too fast for a toy"):
        toy("SOLVER.BASE_LR", 2.0)


def test_what_it_does_not_have_is_refused(toy: Config) -> None:
    with pytest.raises(UserError, match=r"INSTANCE_NORM: ToyTwoPhases normalizes by"):
        DPPPTrainer(toy("INPUT.INSTANCE_NORM", True))
    with pytest.raises(UserError, match=r"PROTOTYPE: ToyTwoPhases has no such loss"):
        DPPPTrainer(toy("MODEL.LOSSES.PROTOTYPE.SCALE", 1.0))


def names_in(path: Path) -> Iterator[str]:
    """Yield the names and short texts of a source file; docstrings and comments do not count."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name
            case ast.Constant(value=str(text)):
                yield text


@pytest.mark.parametrize("folder", ["engine", "inference"])
def test_training_and_inference_name_no_model(folder: str) -> None:
    """They ask ``ReIDModel``; published_clip.py builds the one model that no config names."""
    models = {*META_ARCH_REGISTRY._obj_map, "CLIPAlone"}
    assert {"CLIPDPPP", "Baseline", "MGN"} < models
    for path in sorted((PACKAGE / folder).glob("*.py")):
        allowed = {"CLIPAlone"} if path.name == "published_clip.py" else set()
        assert models.intersection(names_in(path)) <= allowed, path

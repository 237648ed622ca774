"""FastReID's own models on GenePerson: a step of each config, frozen layers, weights, scores."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fastreid.config import CfgNode
from fastreid.engine.train_loop import HookBase
from fastreid.modeling.backbones import build_backbone
from torch import nn

from dppp import DPPPTrainer, UserError
from dppp.config import load_config
from dppp.data import build_train_loader
from dppp.engine import evaluate
from dppp.engine.hooks import FreezeHook
from helpers import CONFIGS, SMALL, TOY

Config = Callable[..., CfgNode]

BASELINES = CONFIGS / "Baselines"
SMALL_BASELINE = (
    *SMALL, *TOY,
    "MODEL.BACKBONE.PRETRAIN", False,
    "INPUT.SIZE_TRAIN", [96, 32],
    "INPUT.SIZE_TEST", [96, 32],
    "DATALOADER.NUM_INSTANCE", 2,
    "SOLVER.IMS_PER_BATCH", 8,
)  # fmt: skip
SMALL_CLIP = ("MODEL.DPPP.CLIP_NAME", "DPPP-Tiny-8-quickgelu", "MODEL.BACKBONE.FEAT_DIM", 128)
RESNET18 = (
    "MODEL.BACKBONE.DEPTH", "18x",
    "MODEL.BACKBONE.FEAT_DIM", 512,
    "INPUT.SIZE_TRAIN", [32, 16],
    "INPUT.SIZE_TEST", [32, 16],
)  # fmt: skip

ONE_BRANCH = {"loss_cls", "loss_triplet"}
MGN = {f"loss_cls_b{b}" for b in ("1", "2", "21", "22", "3", "31", "32", "33")} | {
    f"loss_triplet_b{b}" for b in ("1", "2", "22", "3", "33")
}
BASELINE_FACTS = {  # name: losses, width of a feature
    "bagtricks_R50": (ONE_BRANCH, 2048),
    "sbs_R50": (ONE_BRANCH, 2048),
    "agw_R50": (ONE_BRANCH, 2048),
    "mgn_R50": (MGN, 8 * 256),
    "vit_b16": (ONE_BRANCH, 768),
    "clip_vit_b16": (ONE_BRANCH, 128),
}


@pytest.fixture
def config(data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Return a function from a config's name and ``KEY, VALUE, ...`` to that config, made small."""
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))

    def load(name: str, *opts: object) -> CfgNode:
        own = SMALL_CLIP if name.startswith("clip") else ()
        opts = [*SMALL_BASELINE, *own, "OUTPUT_DIR", str(tmp_path / "out"), *opts]
        return load_config(str(BASELINES / f"{name}.yml"), opts)

    return load


@pytest.fixture
def resnet18(config: Config) -> Config:
    """Return a function from ``KEY, VALUE, ...`` to the bag of tricks on a small ResNet."""
    return lambda *opts: config("bagtricks_R50", *RESNET18, *opts)


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


def moved(before: dict[str, torch.Tensor], model: nn.Module) -> set[tuple[str, str]]:
    """Return which parts have changed, in their weights or in their batch statistics."""
    after, weights = model.state_dict(), dict(model.named_parameters())
    return {
        (key.split(".")[0], "weights" if key in weights else "statistics")
        for key in before
        if not torch.equal(before[key], after[key])
    }


def both(*parts: str) -> set[tuple[str, str]]:
    return {(part, kind) for part in parts for kind in ("weights", "statistics")}


def test_every_config_is_tried() -> None:
    shipped = {p.stem for p in BASELINES.glob("*.yml") if not p.stem.startswith("Base-")}
    assert shipped == {*BASELINE_FACTS, "bagtricks_R50_mix"}


@pytest.mark.parametrize("name", BASELINE_FACTS)
def test_one_step_and_an_evaluation(config: Config, name: str) -> None:
    names, width = BASELINE_FACTS[name]
    trainer = DPPPTrainer(config(name, "MODEL.LOSSES.PROTOTYPE.SCALE", 1.0))
    losses = trainer.one_step()
    assert set(losses) == names | {"loss_prototype"}
    assert all(np.isfinite(value) for value in losses.values())
    model = trainer.raw_model
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key
            assert parameter.grad.isfinite().all(), key

    images = torch.randint(0, 256, (4, 3, 96, 32)).float()
    given = images.clone()
    with torch.no_grad():
        features = model.eval()({"images": images})
    assert features.shape == (4, width)
    assert features.isfinite().all()
    assert torch.equal(images, given)  # upstream normalizes them in place


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("sbs_R50", {
            "HEADS.CLS_LAYER": "CircleSoftmax", "HEADS.POOL_LAYER": "GeneralizedMeanPoolingP",
            "HEADS.NECK_FEAT": "after", "HEADS.SCALE": 64, "HEADS.MARGIN": 0.35,
            "BACKBONE.WITH_NL": True, "LOSSES.TRI.MARGIN": 0.0, "LOSSES.TRI.HARD_MINING": True,
        }),
        ("mgn_R50", {
            "META_ARCHITECTURE": "MGN", "HEADS.EMBEDDING_DIM": 256, "BACKBONE.WITH_NL": False,
            "FREEZE_LAYERS": ["backbone", "b1", "b2", "b3"], "HEADS.CLS_LAYER": "CircleSoftmax",
        }),
        ("agw_R50", {
            "BACKBONE.WITH_NL": True, "HEADS.POOL_LAYER": "GeneralizedMeanPooling",
            "LOSSES.TRI.MARGIN": 0.0, "LOSSES.TRI.HARD_MINING": False, "HEADS.NECK_FEAT": "before",
        }),
        ("vit_b16", {
            "BACKBONE.NAME": "build_vit_backbone", "HEADS.POOL_LAYER": "Identity",
            "PIXEL_MEAN": [127.5] * 3, "LOSSES.CE.EPSILON": 0.0,
        }),
        ("clip_vit_b16", {
            "BACKBONE.NAME": "build_clip_backbone", "BACKBONE.FEAT_DIM": 512,
            "DPPP.CLIP_NAME": "ViT-B-16-quickgelu", "DPPP.CLIP_PRETRAINED": "openai",
        }),
    ],
)  # fmt: skip
def test_settings(name: str, facts: dict[str, object]) -> None:
    cfg = load_config(str(BASELINES / f"{name}.yml"), ["MODEL.DEVICE", "cpu"])
    for key, value in facts.items():
        node = cfg.MODEL
        for part in key.split("."):
            node = node[part]
        assert node == value, key
    assert cfg.DATASETS.NAMES == ("GenePerson",)
    assert cfg.DATASETS.TESTS == ("Market1501", "DukeMTMC")


def test_the_mixture_keeps_identities_apart(
    config: Config, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "datasets"
    shutil.copytree(data_root / "GenePersonToy", root / "GenePerson")
    train = root / "Market-1501-v15.09.15" / "bounding_box_train"
    for folder in (train, train.parent / "query", train.parent / "bounding_box_test"):
        folder.mkdir(parents=True)
    pictures = sorted((root / "GenePerson" / "bounding_box_train").iterdir())
    for index, picture in enumerate(pictures[:10]):
        shutil.copy(picture, train / f"{index % 5 + 2:04d}_c{index % 6 + 1}s1_000451_00.jpg")
    monkeypatch.setenv("FASTREID_DATASETS", str(root))
    cfg = config("bagtricks_R50_mix", "DATASETS.NAMES", ("GenePerson", "Market1501"))
    assert build_train_loader(cfg).dataset.num_classes == 10 + 5


# --- SOLVER.FREEZE_ITERS and the cosine ---


class Watch(HookBase):
    """Notes before each step which parts have moved since the first one."""

    def before_train(self) -> None:
        self.first, self.moved = state(self.trainer.raw_model), []

    def before_step(self) -> None:
        self.moved.append(moved(self.first, self.trainer.raw_model))


def watched_run(cfg: CfgNode, resume: bool = False) -> tuple[list[set], DPPPTrainer]:
    trainer = DPPPTrainer(cfg)
    watch = Watch()
    trainer.register_hooks([watch])
    trainer.resume_or_load(resume)
    trainer.train()
    return watch.moved, trainer


def test_frozen_for_the_first_steps_of_the_whole_run(resnet18: Config, tmp_path: Path) -> None:
    """One epoch has 7 steps; an evaluation at its end is still within the frozen ones."""
    frozen = ("MODEL.FREEZE_LAYERS", ["backbone"], "SOLVER.FREEZE_ITERS", 9)
    run = (*frozen, "SOLVER.WARMUP_ITERS", 0, "SOLVER.MAX_EPOCH", 2, "TEST.EVAL_PERIOD", 1)
    moves, _ = watched_run(resnet18(*run, "SOLVER.CHECKPOINT_PERIOD", 1))
    assert moves == [set()] + [both("heads")] * 9 + [both("backbone", "heads")] * 4

    (tmp_path / "out" / "last_checkpoint").write_text("model_0000.pth")
    moves, _ = watched_run(resnet18(*run), resume=True)
    assert moves == [set()] + [both("heads")] * 2 + [both("backbone", "heads")] * 4


def test_mgn_freezes_its_branches_and_trains_their_heads(config: Config) -> None:
    """Upstream takes "b1" for the beginning of a name: "b1_head" would not train either."""
    trainer = DPPPTrainer(config("mgn_R50"))
    hook = next(h for h in trainer._hooks if isinstance(h, FreezeHook))
    before = state(trainer.raw_model)
    trainer.iter = 0
    hook.before_train()
    hook.before_step()
    trainer.one_step()
    heads = {name for name, _ in trainer.raw_model.named_children() if name.endswith("_head")}
    assert len(heads) == 8
    assert moved(before, trainer.raw_model) == both(*heads)


def test_parts_that_cannot_be_frozen(resnet18: Config, quickstart: Config) -> None:
    with pytest.raises(UserError, match=r"FREEZE_LAYERS.*\['backbon'\].*backbone, heads"):
        DPPPTrainer(resnet18("MODEL.FREEZE_LAYERS", ["backbon"], "SOLVER.FREEZE_ITERS", 1))
    with pytest.raises(UserError, match="FREEZE_LAYERS does not apply to CLIPDPPP"):
        quickstart("MODEL.FREEZE_LAYERS", ["towers"])


# --- weights and scores ---


def test_local_weights_are_read(resnet18: Config, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    expected = build_backbone(resnet18()).state_dict()
    torch.save(expected, path)
    cfg = resnet18("MODEL.BACKBONE.PRETRAIN", True, "MODEL.BACKBONE.PRETRAIN_PATH", str(path))
    found = DPPPTrainer.build_model(cfg).backbone.state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04 half a file"])
def test_files_without_weights_are_refused_in_one_line(
    resnet18: Config, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    cfg = resnet18("MODEL.BACKBONE.PRETRAIN", True, "MODEL.BACKBONE.PRETRAIN_PATH", str(path))
    with pytest.raises(UserError, match="could not be read") as caught:
        DPPPTrainer.build_model(cfg)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (("MODEL.META_ARCHITECTURE", "Baselin"), "'Baselin'"),
        (("MODEL.BACKBONE.NAME", "build_resnet"), "'build_resnet'"),
        (("MODEL.BACKBONE.DEPTH", "51x"), "51x"),
        (
            ("MODEL.BACKBONE.NAME", "build_regnet_backbone", "MODEL.BACKBONE.DEPTH", "200x"),
            "RegNetX-200MF",
        ),
        (("MODEL.HEADS.POOL_LAYER", "gempool"), "GeneralizedMeanPooling.*gempool"),
        (("MODEL.HEADS.CLS_LAYER", "circle"), "CircleSoftmax.*circle"),
    ],
)
def test_models_that_fastreid_does_not_have(
    resnet18: Config, opts: tuple[object, ...], says: str
) -> None:
    with pytest.raises(UserError, match=says) as caught:
        DPPPTrainer.build_model(resnet18(*opts))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (("SOLVER.OPT", "Lamb"), "SOLVER.OPT is 'Lamb'.*AdamW"),
        (("TEST.PRECISION", "fp8"), "TEST.PRECISION is 'fp8'; allowed: fp32, bf16"),
        (("SOLVER.SCHED", "WarmupMultiStepLR"), "allowed: 'MultiStepLR', 'CosineAnnealingLR'"),
        (("SOLVER.WARMUP_METHOD", "cosine"), "allowed: 'constant', 'linear', 'exp'"),
    ],
)
def test_solvers_that_do_not_exist(resnet18: Config, opts: tuple[object, ...], says: str) -> None:
    with pytest.raises(UserError, match=says):
        resnet18(*opts)


def test_flip_test_is_the_mean_of_a_picture_and_its_mirror(resnet18: Config) -> None:
    """So the scores of mirrored pictures are the same, which they are not if normalized twice."""
    torch.manual_seed(0)
    model = DPPPTrainer.build_model(resnet18()).eval()
    batch = {"images": torch.randint(0, 256, (2, 3, 32, 16)).float()}
    mirrored = {"images": batch["images"].flip(dims=[3])}
    with torch.no_grad():
        model(batch)
        assert torch.equal(model({"images": batch["images"].flip(dims=[3])}), model(mirrored))


def test_evaluation_alone_gives_the_same_scores(resnet18: Config, tmp_path: Path) -> None:
    """With a cosine whose warm-up ends within the last epoch: upstream divides by zero there."""
    cosine = ("SOLVER.SCHED", "CosineAnnealingLR", "SOLVER.WARMUP_ITERS", 3)
    run = ("SOLVER.MAX_EPOCH", 1, "TEST.FLIP.ENABLED", True, *cosine)
    _, trainer = watched_run(resnet18(*run))
    weights = ("MODEL.WEIGHTS", str(tmp_path / "out" / "model_final.pth"))
    scores = evaluate(resnet18(*run, *weights))["GenePersonToy"]
    assert scores["mAP"] == pytest.approx(trainer.results["training"]["GenePersonToy"]["mAP"])
    table = json.loads((tmp_path / "out" / "summary.json").read_text())["results_percent"]
    assert set(table["GenePersonToy"]) == {"chance", "after training"}

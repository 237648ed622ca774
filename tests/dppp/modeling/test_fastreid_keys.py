"""FastReID's keys under CLIPDPPP: followed, refused in one line, or named in one warning."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fastreid.config import CfgNode
from PIL import Image

import dppp
from dppp import DPPPTrainer, UserError
from dppp.config import load_config
from dppp.log import LOGGER_NAME
from dppp.modeling import CLIPDPPP
from dppp.modeling.build import model_class
from helpers import DPPP_CONFIGS

Config = Callable[..., CfgNode]


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (("TEST.PRECISE_BN.ENABLED", True), r"TEST\.PRECISE_BN does not apply to CLIPDPPP"),
        (
            ("MODEL.LOSSES.CE.EPSILON", -0.5),
            r"CE\.EPSILON is -0\.5; allowed: 0 to below 1, or -1\.0",
        ),
        (("MODEL.LOSSES.CE.EPSILON", 1.0), r"CE\.EPSILON is 1\.0"),
        (("MODEL.LOSSES.CE.ALPHA", 1.5), r"CE\.ALPHA is 1\.5; allowed: 0 to 1"),
        (("MODEL.FREEZE_LAYERS", ["towers"]), r"MODEL\.FREEZE_LAYERS does not apply to CLIPDPPP"),
        (("MODEL.BACKBONE.PRETRAIN_PATH", "a.pt"), r"'a\.pt'.* in MODEL\.DPPP\.CLIP_PRETRAINED"),
    ],
)
def test_refused(quickstart: Config, opts: tuple[object, ...], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        quickstart(*opts)
    assert "\n" not in str(caught.value)
    quickstart("MODEL.META_ARCHITECTURE", "Baseline", *opts)  # FastReID's own models take it


def test_one_warning_names_what_is_ignored(
    quickstart: Config, caplog: pytest.LogCaptureFixture
) -> None:
    opts = (
        "MODEL.BACKBONE.DROP_PATH_RATIO", 0.2, "MODEL.HEADS.NECK_FEAT", "after",
        "MODEL.LOSSES.NAME", ("CircleLoss",), "MODEL.LOSSES.CIRCLE.SCALE", 2.0,
        "SOLVER.MAX_EPOCH", 3,
    )  # fmt: skip
    with caplog.at_level(logging.WARNING, logger=LOGGER_NAME):
        DPPPTrainer(quickstart(*opts))
    (warning,) = (r.getMessage() for r in caplog.records if "ignores" in r.getMessage())
    for key in opts[::2]:
        assert f"{key} " in warning


@pytest.mark.parametrize("path", sorted(DPPP_CONFIGS.rglob("*.yml")), ids=lambda p: p.stem)
def test_a_shipped_config_sets_nothing_in_vain(path: Path) -> None:
    assert CLIPDPPP.ignored_keys(load_config(str(path), [])) == []


@pytest.mark.parametrize(
    ("opts", "named"),
    [
        (("MODEL.LOSSES.PROTOTYPE.SCALE", 1.0), []),
        (
            ("MODEL.LOSSES.PROTOTYPE.SCALE", 1.0, "MODEL.DPPP.PHASES", (2,)),
            ["MODEL.LOSSES.PROTOTYPE.SCALE 1.0"],
        ),
        (("MODEL.DPPP.TEMPERATURE_LEARNABLE", True), []),
        (
            ("MODEL.DPPP.TEMPERATURE_LEARNABLE", True, "MODEL.DPPP.LOSSES", ("L1_ReID",)),
            ["MODEL.DPPP.TEMPERATURE_LEARNABLE True"],
        ),
    ],
)
def test_keys_of_losses_that_are_off_are_named(
    quickstart: Config, opts: tuple[object, ...], named: list[str]
) -> None:
    assert CLIPDPPP.ignored_keys(quickstart(*opts)) == named


def test_fastreids_models_name_what_is_clipdppps_alone() -> None:
    opts = ["SOLVER.PHASE_EPOCHS", "(5, 5)", "MODEL.DPPP.CLIP_NAME", "RN50", "MODEL.DPPP.PHASES"]
    cfg = load_config(str(DPPP_CONFIGS.parent / "Baselines" / "bagtricks_R50.yml"), [*opts, "(1,)"])
    assert model_class("Baseline").ignored_keys(cfg) == [
        "MODEL.DPPP.PHASES (1,)",
        "SOLVER.PHASE_EPOCHS (5, 5)",
    ]


def test_what_is_followed_is_not_named(quickstart: Config) -> None:
    followed = (
        "MODEL.BACKBONE.STRIDE_SIZE",
        (6, 6),
        "MODEL.LOSSES.CE.SCALE",
        0.5,
        "MODEL.LOSSES.TRI.MARGIN",
        0.1,
    )
    assert CLIPDPPP.ignored_keys(quickstart(*followed, "MODEL.HEADS.NUM_CLASSES", 10)) == []


def test_a_model_of_overlapping_patches_is_trained_kept_and_loaded(
    quickstart: Config, tmp_path: Path
) -> None:
    cfg = quickstart("MODEL.BACKBONE.STRIDE_SIZE", (6, 4), "DATASETS.TESTS", ())
    trainer = DPPPTrainer(cfg)
    trainer.one_step()
    trainer.checkpointer.save("overlapping")
    trainer.checkpointer.save_for_inference()
    network = trainer.raw_model.eval()
    picture = Image.new("RGB", (32, 64), "teal")
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    own = F.normalize(network(pixels)).detach().numpy()
    assert network.attention_maps(pixels).shape == (1, 10, 7)
    for file in ("overlapping.pth", "model_inference.pth"):
        model = dppp.load(tmp_path / file, device="cpu")
        np.testing.assert_allclose(model.embed([picture]), own, atol=1e-5)


def test_a_stride_is_two_numbers(quickstart: Config) -> None:
    with pytest.raises(UserError, match=r"STRIDE_SIZE is \(12,\); give two numbers"):
        quickstart("MODEL.BACKBONE.STRIDE_SIZE", (12,))

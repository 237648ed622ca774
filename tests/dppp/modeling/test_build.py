"""Models that their input or their backbone does not fit are refused before they are built."""

import pytest
import torch
from fastreid.config import CfgNode

from dppp import UserError
from dppp.config import load_config
from dppp.modeling.build import build_model
from helpers import CONFIGS

MGN = CONFIGS / "Baselines" / "mgn_R50.yml"


def config(train_height: int, test_height: int) -> CfgNode:
    opts = ["MODEL.DEVICE", "cpu", "MODEL.BACKBONE.PRETRAIN", False]
    opts += ["INPUT.SIZE_TRAIN", [train_height, 32], "INPUT.SIZE_TEST", [test_height, 32]]
    return load_config(str(MGN), opts)


@pytest.mark.parametrize(
    ("heights", "says"),
    [
        ((66, 96), "INPUT.SIZE_TRAIN is 66 px"),
        ((96, 49), "INPUT.SIZE_TEST is 49 px"),
        ((32, 32), "INPUT.SIZE_TRAIN is 32 px"),
    ],
)
def test_mgn_needs_three_parts(heights: tuple[int, int], says: str) -> None:
    with pytest.raises(UserError, match=rf"{says} high; MGN .* 67 px or more") as caught:
        build_model(config(*heights))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"), [("DEPTH", "18x"), ("DEPTH", "34x"), ("NAME", "build_osnet_backbone")]
)
def test_mgn_needs_bottleneck_blocks(key: str, value: str) -> None:
    cfg = config(96, 96)
    cfg.MODEL.BACKBONE[key] = value
    with pytest.raises(UserError, match=rf"{value}.* MGN is built on build_resnet_backbone"):
        build_model(cfg)


def test_the_lowest_input_of_mgn() -> None:
    model = build_model(config(67, 67)).eval()
    with torch.no_grad():
        assert model({"images": torch.zeros(1, 3, 67, 32)}).shape == (1, 8 * 256)

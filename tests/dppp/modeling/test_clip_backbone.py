"""CLIP's visual tower under FastReID's heads and losses."""

from collections.abc import Callable

import pytest
import torch
from fastreid.config import CfgNode
from fastreid.modeling.backbones import build_backbone
from fastreid.utils.events import EventStorage

from dppp import DPPPTrainer, UserError
from dppp.config import load_config
from dppp.modeling import CLIPBackbone, CLIPTowers, build_clip
from helpers import CONFIGS

Config = Callable[..., CfgNode]

CONFIG = CONFIGS / "Baselines" / "clip_vit_b16.yml"
NAME, SIZE, D1, D2 = "DPPP-Tiny-8-quickgelu", (128, 64), 128, 160
SMALL = (
    "MODEL.DEVICE", "cpu",
    "MODEL.DPPP.CLIP_NAME", NAME,
    "MODEL.BACKBONE.FEAT_DIM", D1,
    "INPUT.SIZE_TRAIN", list(SIZE),
    "INPUT.SIZE_TEST", list(SIZE),
    "MODEL.HEADS.NUM_CLASSES", 3,
)  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of CLIP weights, in open_clip's names."""
    towers = build_clip(NAME, "", SIZE)
    path = tmp_path_factory.mktemp("clip") / "weights.pt"
    state = towers.state_dict()
    renamed = {key.removeprefix("text."): value for key, value in state.items()}
    torch.save({"logit_scale": torch.tensor(4.6), **renamed}, path)
    return str(path)


@pytest.fixture
def towers(weights: str) -> CLIPTowers:
    return build_clip(NAME, weights, SIZE).eval()


@pytest.fixture
def config(weights: str) -> Config:
    return lambda *opts: load_config(
        str(CONFIG), [*SMALL, "MODEL.DPPP.CLIP_PRETRAINED", weights, *opts]
    )


@pytest.mark.parametrize(("width", "feature"), [(D1, "projected"), (D2, "final_class")])
def test_features_equal_the_towers_own(
    config: Config, towers: CLIPTowers, width: int, feature: str
) -> None:
    backbone = build_backbone(config("MODEL.BACKBONE.FEAT_DIM", width)).eval()
    pixels = torch.randn(3, 3, *SIZE)
    features = backbone(pixels)
    assert features.shape == (3, width, 1, 1)
    expected = getattr(towers.encode_image(pixels), feature)
    assert torch.allclose(features[..., 0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("width", [D1, D2])
def test_every_weight_is_the_visual_towers_and_is_used(
    config: Config, towers: CLIPTowers, width: int
) -> None:
    backbone = build_backbone(config("MODEL.BACKBONE.FEAT_DIM", width))
    expected = {f"visual.{key}" for key in towers.visual.state_dict()}
    unused = set() if width == D1 else {"visual.proj"}  # distributed training has none to wait for
    assert set(backbone.state_dict()) == expected - unused
    backbone(torch.randn(2, 3, *SIZE)).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in backbone.parameters())


def test_fastreids_baseline_gives_it_clips_pixels(config: Config, towers: CLIPTowers) -> None:
    model = DPPPTrainer.build_model(config("MODEL.HEADS.WITH_BNNECK", False)).eval()
    images = torch.randint(0, 256, (2, 3, *SIZE)).float()
    mean, std = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (mean, std))
    expected = towers.encode_image((images / 255 - mean) / std).projected
    assert torch.allclose(model({"images": images}), expected, atol=1e-4)


@pytest.mark.parametrize("classifier", ["Linear", "ArcSoftmax", "CosSoftmax", "CircleSoftmax"])
@pytest.mark.parametrize("loss", ["TripletLoss", "CircleLoss", "Cosface"])
def test_fastreids_heads_and_losses_sit_on_it(config: Config, classifier: str, loss: str) -> None:
    cfg = config(
        "MODEL.HEADS.CLS_LAYER", classifier, "MODEL.HEADS.SCALE", 16, "MODEL.HEADS.MARGIN", 0.1,
        "MODEL.HEADS.EMBEDDING_DIM", 64, "MODEL.LOSSES.NAME", ("CrossEntropyLoss", loss),
        "MODEL.BACKBONE.PRETRAIN", False,
    )  # fmt: skip
    torch.manual_seed(0)
    model = DPPPTrainer.build_model(cfg).train()
    targets = torch.tensor([0, 0, 1, 1, 2, 2])
    with EventStorage():
        losses = model({"images": torch.rand(6, 3, *SIZE) * 255, "targets": targets})
    assert len(losses) == 2
    sum(losses.values()).backward()
    for parameter in model.backbone.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().sum() > 0


def test_where_the_weights_come_from(config: Config, weights: str, towers: CLIPTowers) -> None:
    key, expected = "conv1.weight", towers.visual.conv1.weight
    gone = ("MODEL.DPPP.CLIP_PRETRAINED", "/no/such/file.pt")
    by_path = config(*gone, "MODEL.BACKBONE.PRETRAIN_PATH", weights)
    assert torch.equal(build_backbone(by_path).visual.get_parameter(key), expected)
    for opts in (("MODEL.BACKBONE.PRETRAIN", False), ("MODEL.WEIGHTS", "checkpoint.pth")):
        backbone = build_backbone(config(*gone, *opts))  # nothing is looked for
        assert not torch.equal(backbone.visual.get_parameter(key), expected)
    with pytest.raises(UserError, match="CLIP_PRETRAINED"):
        build_backbone(config(*gone))


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (("MODEL.BACKBONE.FEAT_DIM", 100), "FEAT_DIM is 100.*128.*160"),
        (("INPUT.SIZE_TEST", [64, 128]), "SIZE_TRAIN and INPUT.SIZE_TEST differ"),
        (("MODEL.DPPP.CLIP_NAME", "RN50"), "not a plain CLIP ViT"),
    ],
)
def test_refused_in_one_line(config: Config, opts: tuple[object, ...], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        build_backbone(config(*opts))
    assert "\n" not in str(caught.value)


def test_its_patches_overlap_too(config: Config, weights: str) -> None:
    backbone = build_backbone(config("MODEL.BACKBONE.STRIDE_SIZE", (6, 4))).eval()
    pixels = torch.randn(2, 3, *SIZE)
    expected = build_clip(NAME, weights, SIZE, (6, 4)).eval().encode_image(pixels).projected
    assert torch.allclose(backbone(pixels)[..., 0, 0], expected, atol=1e-5)


def test_pictures_of_another_size_are_refused(towers: CLIPTowers) -> None:
    with pytest.raises(UserError, match=r"\(64, 128\).*\(128, 64\)"):
        CLIPBackbone(towers.visual, D1)(torch.randn(1, 3, 64, 128))

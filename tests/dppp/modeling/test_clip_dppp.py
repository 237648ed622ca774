"""The meta-architecture: what each phase trains, returns and leaves alone."""

import copy

import pytest
import torch
from fastreid.config import CfgNode
from fastreid.modeling.meta_arch import build_model

from dppp import UserError
from dppp.config import load_config
from dppp.modeling import CLIPDPPP

CLASSES = 4


def config(*opts: object) -> CfgNode:
    return load_config("", [
        "MODEL.DEVICE", "cpu",
        "MODEL.META_ARCHITECTURE", "CLIPDPPP",
        "MODEL.DPPP.CLIP_NAME", "DPPP-Tiny-16-quickgelu",
        "MODEL.DPPP.CLIP_PRETRAINED", "",
        "MODEL.HEADS.NUM_CLASSES", CLASSES,
        "MODEL.LOSSES.TRI.HARD_MINING", True,
        "INPUT.SIZE_TRAIN", [128, 64],
        "INPUT.SIZE_TEST", [128, 64],
        *opts,
    ])  # fmt: skip


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (8, 3, 128, 64), generator=generator).float()
    return {"images": images, "targets": torch.arange(CLASSES).repeat_interleave(2)}


@pytest.fixture
def model() -> CLIPDPPP:
    torch.manual_seed(0)
    return build_model(config())


def _step(model: CLIPDPPP, data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    losses = model(data)
    sum(losses.values()).backward()
    return losses


def test_phase_1_is_eq_13_and_leaves_text_tower_and_projector_alone(model: CLIPDPPP) -> None:
    model.start_phase(1)
    losses = _step(model.train(), batch())
    assert set(losses) == {"loss_l1_id", "loss_l1_tri", "loss_l1_supcon", "loss_tri_txt"}
    for name, parameter in model.named_parameters():
        frozen = name.startswith(("towers.text", "destylization", "content_head"))
        assert (parameter.grad is None) == frozen, name


def test_phase_2_is_eq_16_and_trains_the_projector_alone(model: CLIPDPPP) -> None:
    model.start_phase(2)
    losses = _step(model.train(), batch())
    assert set(losses) == {"loss_l2_id", "loss_l2_tri", "loss_l2_supcon"}
    for name, parameter in model.named_parameters():
        trains = name.startswith(("destylization", "content_head"))
        assert (parameter.grad is not None) == trains, name


def test_encoders_run_without_autograd_in_phase_2(model: CLIPDPPP) -> None:
    model.start_phase(2)
    seen = []
    model.towers.visual.ln_post.register_forward_hook(
        lambda *_: seen.append(torch.is_grad_enabled())
    )
    model.train()(batch())
    assert seen == [False]


def test_frozen_parts_stay_in_evaluation_mode(model: CLIPDPPP) -> None:
    model.start_phase(2)
    model.train()
    before = copy.deepcopy(model.projected_head.neck.state_dict())
    model(batch())
    assert not model.towers.training
    assert not model.projected_head.neck.training
    assert model.content_head.neck.training
    for key, value in model.projected_head.neck.state_dict().items():
        assert torch.equal(value, before[key])


def test_the_file_knows_its_phase_and_so_which_feature_it_gives(model: CLIPDPPP) -> None:
    pixels = batch()["images"]
    model.eval()
    features = {}
    for phase in (1, 2):
        model.start_phase(phase)
        features[phase] = model(pixels)
        state = copy.deepcopy(model.state_dict())
        other = build_model(config())
        other.load_state_dict(state)
        assert other.phase == phase
        assert torch.equal(other.eval()(pixels), features[phase])
    assert not torch.allclose(features[1], features[2])


def test_the_feature_is_v_g_after_phase_1_and_v_c_after_phase_2(model: CLIPDPPP) -> None:
    images = batch()["images"]
    model.eval()
    with torch.no_grad():
        v_g = model.towers.encode_image((images - model.pixel_mean) / model.pixel_std).projected
        model.start_phase(1)
        assert torch.equal(model(images), v_g)
        model.start_phase(2)
        assert torch.equal(model(images), model.destylization(v_g))
        assert not torch.allclose(model(images), v_g)


def test_images_are_not_normalised_in_place(model: CLIPDPPP) -> None:
    data = batch()
    before = data["images"].clone()
    model.eval()(data)
    assert torch.equal(data["images"], before)


@pytest.mark.parametrize(
    ("strategy", "unused"),
    [
        ("style-content", ()),
        ("content", ("style_aggregation", "style_inversion")),
        ("generic", ("style_aggregation", "style_inversion")),
    ],
)
def test_prompt_strategies(strategy: str, unused: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    model = build_model(config("MODEL.DPPP.PROMPTS.STRATEGY", strategy))
    model.start_phase(1)
    _step(model.train(), batch())
    for name, parameter in model.named_parameters():
        if name.startswith(("style_aggregation", "style_inversion", "content_inversion")):
            assert (parameter.grad is None) == name.startswith(unused), name


@pytest.mark.parametrize(
    ("losses", "terms"),
    [
        (("L1_SupCon",), {"loss_l1_supcon"}),
        (("L1_SupCon", "L1_ReID"), {"loss_l1_supcon", "loss_l1_id", "loss_l1_tri"}),
        (("L_Tri-txt",), {"loss_tri_txt"}),
    ],
)
def test_losses_can_be_switched(losses: tuple[str, ...], terms: set[str]) -> None:
    on = ("MODEL.DPPP.LOSSES", losses, "MODEL.DPPP.PHASES", (1,))
    model = build_model(config(*on, "MODEL.DPPP.TEMPERATURE_LEARNABLE", True))
    assert set(_step(model.train(), batch())) == terms
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained == {n for n, p in model.named_parameters() if p.grad is not None}


def test_detach_keeps_text_losses_out_of_the_encoder() -> None:
    model = build_model(
        config("MODEL.DPPP.LOSSES", ("L_Tri-txt",), "MODEL.DPPP.PHASES", (1,),
               "MODEL.DPPP.DETACH_INVERSION_INPUT", True)
    )  # fmt: skip
    _step(model.train(), batch())
    assert all(p.grad is None for p in model.towers.visual.parameters())
    assert any(p.grad is not None for p in model.content_inversion.parameters())


def test_learnable_temperature_learns_in_phase_1_only() -> None:
    model = build_model(config("MODEL.DPPP.TEMPERATURE_LEARNABLE", True))
    model.start_phase(1)
    _step(model.train(), batch())
    assert model.log_inverse_temperature.grad is not None
    model.start_phase(2)
    assert not model.log_inverse_temperature.requires_grad


def test_wrong_values_are_refused_all_at_once() -> None:
    with pytest.raises(UserError) as caught:
        config(
            "MODEL.DPPP.LOSSES", ("L1_SubCon",), "MODEL.DPPP.NUM_STYLE_WORDS", 25,
            "MODEL.DPPP.PHASES", (2, 1), "MODEL.DPPP.PROMPTS.STRATEGY", "none",
        )  # fmt: skip
    for part in ("L1_SubCon", "L1_SupCon", "NUM_STYLE_WORDS", "PHASES", "'none'"):
        assert part in str(caught.value)

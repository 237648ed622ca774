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
        "MODEL.DPPP.CLIP_NAME", "DPPP-Tiny-8-quickgelu",
        "MODEL.DPPP.CLIP_PRETRAINED", "",
        "MODEL.HEADS.NUM_CLASSES", CLASSES,
        "MODEL.LOSSES.TRI.HARD_MINING", True,
        "INPUT.SIZE_TRAIN", [64, 32],
        "INPUT.SIZE_TEST", [64, 32],
        *opts,
    ])  # fmt: skip


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (8, 3, 64, 32), generator=generator).float()
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


def test_images_are_not_normalized_in_place(model: CLIPDPPP) -> None:
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
    model.start_phase(1)
    assert set(_step(model.train(), batch())) == terms
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained == {n for n, p in model.named_parameters() if p.grad is not None}


def test_detach_keeps_text_losses_out_of_the_encoder() -> None:
    model = build_model(
        config("MODEL.DPPP.LOSSES", ("L_Tri-txt",), "MODEL.DPPP.PHASES", (1,),
               "MODEL.DPPP.DETACH_INVERSION_INPUT", True)
    )  # fmt: skip
    model.start_phase(1)
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


def test_training_without_a_started_phase_is_refused(model: CLIPDPPP) -> None:
    """As by a user's own FastReID DefaultTrainer, which would train the projector alone."""
    with pytest.raises(UserError, match=r"none was started; train with dppp\.DPPPTrainer"):
        model.train()(batch())
    model.load_state_dict(copy.deepcopy(model.state_dict()))  # a checkpoint starts no phase
    with pytest.raises(UserError, match="none was started"):
        model(batch())
    assert model.eval()(batch()).shape == (8, 128)


@pytest.mark.parametrize("residual", [True, False])
def test_phase_2_starts_from_the_classifier_of_v_g_if_v_c_starts_as_v_g(residual: bool) -> None:
    torch.manual_seed(0)
    model = build_model(config("MODEL.DPPP.DESTYLIZATION_RESIDUAL", residual))
    model.start_phase(1)
    _step(model.train(), batch())  # moves the statistics of the BNNecks
    model.start_phase(2)
    own, learnt = model.content_head.state_dict(), model.projected_head.state_dict()
    assert all(torch.equal(own[key], learnt[key]) for key in own) == residual
    with torch.no_grad():
        for value in model.content_head.parameters():
            value.add_(1.0)
    trained = copy.deepcopy(model.content_head.state_dict())
    model.start_phase(2)  # as a resumed run does
    assert all(torch.equal(v, trained[k]) for k, v in model.content_head.state_dict().items())


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (("SOLVER.PHASE_EPOCHS", (-1, 1)), r"\(-1, 1\); give two numbers of 0 or more"),
        (("SOLVER.PHASE_EPOCHS", (1, 1, 1)), "give two numbers"),
        (("SOLVER.PHASE_EPOCHS", (0, 0)), "no phase that has a loss has an epoch"),
        (("SOLVER.PHASE_EPOCHS", (0, 3), "MODEL.DPPP.PHASES", (1,)), "has an epoch"),
        (("MODEL.DPPP.LOSSES", ("L1_ReID", "L2_SupCon")), "which no loss of phase 1 trains"),
        (
            ("MODEL.DPPP.LOSSES", ("L1_SupCon", "L2_SupCon"),
             "MODEL.DPPP.PROMPTS.STRATEGY", "generic"),
            "which no loss of phase 1 trains",
        ),
    ],
)  # fmt: skip
def test_phases_that_would_train_nothing_of_use_are_refused(
    opts: tuple[object, ...], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        config(*opts)


def test_wrong_values_are_refused_all_at_once() -> None:
    with pytest.raises(UserError) as caught:
        config(
            "MODEL.DPPP.LOSSES", ("L1_SubCon",), "MODEL.DPPP.NUM_STYLE_WORDS", 25,
            "MODEL.DPPP.PHASES", (2, 1), "MODEL.DPPP.PROMPTS.STRATEGY", "none",
            "MODEL.DPPP.STYLE_TOKEN_NORM", "large",
        )  # fmt: skip
    for part in ("L1_SubCon", "L1_SupCon", "NUM_STYLE_WORDS", "PHASES", "'none'", "'large'"):
        assert part in str(caught.value)


def test_smoothing_follows_fastreids_key() -> None:
    losses = {}
    for epsilon in (0.0, 0.1, -1.0):
        torch.manual_seed(0)
        model = build_model(config("MODEL.LOSSES.CE.EPSILON", epsilon))
        model.start_phase(1)
        model.projected_head.classifier.weight.data.mul_(1000)  # sure of itself
        losses[epsilon] = model.train()(batch())["loss_l1_id"].item()
    assert len(set(losses.values())) == 3


@pytest.mark.parametrize("strategy", ["style-content", "content", "generic"])
def test_a_step_of_phase_1_computes_words_and_texts_once(strategy: str) -> None:
    model = build_model(config("MODEL.DPPP.PROMPTS.STRATEGY", strategy))
    model.start_phase(1)
    calls = []
    for part in (model.content_inversion, model.towers.text):
        part.register_forward_hook(lambda part, *_: calls.append(type(part).__name__))
    model.train()(batch())
    assert calls == ["ContentInversion", "TextTower"]

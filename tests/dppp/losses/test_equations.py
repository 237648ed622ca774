"""Eqs. 10, 13, 14 and 16: which features, prompts, margins and weights enter which term."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from fastreid.config import CfgNode
from fastreid.modeling.meta_arch import build_model
from torch import Tensor, nn

from dppp.losses import image_triplet_loss, supcon_loss, text_triplet_loss
from dppp.modeling import CLIPDPPP, DestylizationProjector, StyleAggregation

Features = dict[str, Tensor]
Case = tuple[CLIPDPPP, dict[str, Tensor], Features, Tensor]

WEIGHTS = {
    "MODEL.LOSSES.CE.SCALE": 2.0,
    "MODEL.LOSSES.CE.EPSILON": 0.1,
    "MODEL.LOSSES.TRI.SCALE": 3.0,
    "MODEL.LOSSES.TRI.MARGIN": 5.0,
    "MODEL.DPPP.LOSS_WEIGHTS.L1_SUPCON": 5.0,
    "MODEL.DPPP.LOSS_WEIGHTS.TRI_TXT": 7.0,
    "MODEL.DPPP.LOSS_WEIGHTS.L2_SUPCON": 11.0,
    "MODEL.DPPP.TEXT_TRIPLET.MARGIN": 0.9,
    "MODEL.DPPP.TEMPERATURE": 0.2,
}


@pytest.fixture
def case(quickstart: Callable[..., CfgNode]) -> Case:
    """A model with distinct loss weights, a batch, and the features by open_clip's own forward."""
    opts = [part for pair in WEIGHTS.items() for part in pair]
    opts += ["MODEL.DPPP.DESTYLIZATION_RESIDUAL", False]  # as Eq. 14 prints it
    cfg = quickstart("MODEL.HEADS.NUM_CLASSES", 4, "MODEL.LOSSES.TRI.NORM_FEAT", False, *opts)
    torch.manual_seed(0)
    model = build_model(cfg)
    images = torch.randint(0, 256, (8, 3, 64, 32)).float()
    labels = torch.arange(4).repeat_interleave(2)
    pixels = (images - model.pixel_mean) / model.pixel_std
    visual = model.towers.visual
    blocks = visual.forward_intermediates(pixels, output_fmt="NLC", output_extra_tokens=True)
    classes = [tokens[:, 0] for tokens in blocks["image_intermediates_prefix"]]
    features = {
        "penultimate": classes[-2],
        "final": visual.ln_post(classes[-1]),
        "v_g": visual(pixels),
        "patches": blocks["image_intermediates"][-2],
    }
    return model, {"images": images, "targets": labels}, features, labels


def text(model: CLIPDPPP, features: Features, template: str) -> Tensor:
    """Return t_sc or t_c, one sentence at a time."""
    c = model.content_inversion(features["v_g"])
    style = model.style_aggregation(features["patches"])
    s = model.style_inversion(model.local_filter(style, features["v_g"]))
    rows = []
    for i in range(len(c)):
        words = template.split()
        parts, pending = [], list(s[i])
        embedded = model.towers.embed(template)[0]
        for position, word in enumerate(["<start>", *words, "<end>"]):
            if word == "S":
                parts.append(pending.pop(0))
            elif word == "C":
                parts.append(c[i])
            else:
                parts.append(embedded[position])
        rows += model.towers.encode_texts([torch.stack(parts)[None]])
    return torch.cat(rows)


def triplets(features: list[Tensor], labels: Tensor) -> Tensor:
    return sum(
        image_triplet_loss(x, labels, 5.0, normalize=False, hard_mining=True) for x in features
    )


def identity(head: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    logits = F.batch_norm(x, None, None, head.neck.weight, None, True) @ head.classifier.weight.T
    return F.cross_entropy(logits, labels, label_smoothing=0.1)


def test_every_term_of_eq_13(case: Case) -> None:
    model, batch, f, labels = case
    model.start_phase(1)
    terms = model.train()(batch)
    t_sc = text(model, f, "a S S S S S S style of a C person")
    t_c = text(model, f, "a photo of a C person")
    expected = {
        "loss_l1_id": 2 * (identity(model.final_head, f["final"], labels)
                           + identity(model.projected_head, f["v_g"], labels)),
        "loss_l1_tri": 3 * triplets([f["penultimate"], f["final"], f["v_g"]], labels),
        "loss_l1_supcon": 5 * supcon_loss(f["v_g"], t_sc, labels, 0.2),
        "loss_tri_txt": 7 * text_triplet_loss(t_c, labels, 0.9),
    }  # fmt: skip
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-4), name


def test_every_term_of_eq_16(case: Case) -> None:
    model, batch, f, labels = case
    model.start_phase(2)
    terms = model.train()(batch)
    mlp = model.destylization.mlp
    v_c = F.gelu(f["v_g"] @ mlp[0].weight.T + mlp[0].bias) @ mlp[2].weight.T + mlp[2].bias  # Eq. 14
    t_c = text(model, f, "a photo of a C person")
    expected = {
        "loss_l2_id": 2 * identity(model.content_head, v_c, labels),
        "loss_l2_tri": 3 * triplets([v_c], labels),
        "loss_l2_supcon": 11 * supcon_loss(v_c, t_c, labels, 0.2),
    }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-4), name


def test_projector_has_two_layers() -> None:
    assert [m.weight.shape for m in DestylizationProjector(512).mlp if hasattr(m, "weight")] == [
        (512, 512), (512, 512),
    ]  # fmt: skip


def test_projector_starts_from_v_g_where_it_is_asked_to() -> None:
    v_g = torch.randn(4, 32)
    literal, residual = DestylizationProjector(32), DestylizationProjector(32, residual=True)
    assert torch.equal(residual(v_g), v_g) and not torch.allclose(literal(v_g), v_g)
    assert torch.equal(literal(v_g), literal.mlp(v_g))
    torch.nn.init.normal_(residual.mlp[-1].weight)
    assert torch.equal(residual(v_g), v_g + residual.mlp(v_g))


def test_eq_2_reads_the_patches_at_the_learnable_tokens() -> None:
    torch.manual_seed(0)
    net = StyleAggregation(4, 32, 16).train()
    patches = torch.randn(2, 10, 32)
    out = net(patches)
    assert torch.equal(out, net(patches))  # nothing is dropped at random
    assert torch.allclose(out, net(patches.flip(1)), atol=1e-5)  # the patches are a set to it
    assert not torch.allclose(out, net(patches + torch.randn(2, 10, 32)), atol=1e-2)
    net.tokens.data = net.tokens.data.flip(0)
    assert torch.allclose(out.flip(1), net(patches), atol=1e-5)  # output i is that of T_i


def test_learnable_temperature_is_learnt(quickstart: Callable[..., CfgNode]) -> None:
    cfg = quickstart("MODEL.HEADS.NUM_CLASSES", 4, "MODEL.DPPP.TEMPERATURE_LEARNABLE", True)
    model = build_model(cfg)
    model.start_phase(1)
    images = torch.randint(0, 256, (8, 3, 64, 32)).float()
    losses = model.train()({"images": images, "targets": torch.arange(4).repeat_interleave(2)})
    losses["loss_l1_supcon"].backward()
    assert model.log_inverse_temperature.grad.abs() > 0


def test_detached_words_leave_patches_and_v_g_alone(case: Case) -> None:
    model = case[0]
    model.start_phase(1)
    model.detach_inversion_input = True
    image = model.towers.encode_image(torch.randn(2, 3, 64, 32))
    text_feature = model.prompt_features(image, {"style-content"})["style-content"].sum()
    grads = torch.autograd.grad(
        text_feature, [image.projected, image.patches], allow_unused=True, retain_graph=True
    )
    assert grads == (None, None)

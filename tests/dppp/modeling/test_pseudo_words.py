"""Eqs. 1-5."""

import pytest
import torch
import torch.nn.functional as F

from dppp.modeling import (
    ContentInversion,
    GlobalFeatureLocalFilter,
    StyleAggregation,
    StyleInversion,
)


def test_shapes_at_the_papers_sizes() -> None:
    v_g, patches = torch.randn(2, 512), torch.randn(2, 128, 768)
    style = StyleAggregation()(patches)
    assert ContentInversion()(v_g).shape == (2, 512)
    assert style.shape == (2, 24, 512)
    assert StyleInversion()(GlobalFeatureLocalFilter(6)(style, v_g)).shape == (2, 6, 512)


def test_layers_of_the_style_transformer_start_apart() -> None:
    first, second = StyleAggregation(4, 32, 16, num_layers=2).transformer.layers
    for name, weight in first.named_parameters():
        if weight.dim() > 1:  # norms and biases of attention start as constants
            assert not torch.equal(weight, second.get_parameter(name)), name


@pytest.mark.parametrize(("token_norm", "expected"), [("unit", 1.0), ("patch", 768**0.5)])
def test_style_elements_start_as_large_as_asked(token_norm: str, expected: float) -> None:
    norms = StyleAggregation(token_norm=token_norm).tokens.norm(dim=1)
    assert norms.mean().item() == pytest.approx(expected, rel=0.05)


def test_larger_style_elements_are_farther_apart() -> None:
    """Beside patches of CLIP's norm (38) and likeness (0.37), unit ones collect nearly the same."""
    torch.manual_seed(0)
    patches = 38 * F.normalize(0.6 * torch.randn(768) + 0.8 * torch.randn(1, 128, 768), dim=2)

    def likeness(token_norm: str) -> float:
        style = F.normalize(StyleAggregation(token_norm=token_norm)(patches)[0], dim=1)
        return (style @ style.T)[~torch.eye(24, dtype=torch.bool)].mean().item()

    with torch.no_grad():
        assert likeness("patch") < 0.3 < 0.7 < likeness("unit")


def test_mlps_have_three_layers_of_the_papers_widths() -> None:
    widths = [m.weight.shape for m in ContentInversion().mlp if hasattr(m, "weight")]
    assert widths == [(512, 512), (512, 512), (512, 512)]
    widths = [m.weight.shape for m in StyleInversion().mlp if hasattr(m, "weight")]
    assert widths == [(2048, 512), (2048, 2048), (512, 2048)]


def test_filter_keeps_the_k_best_in_order() -> None:
    """Scores with v_g = (1, 0) are the first coordinates: 3, 9, 1, 5."""
    style = torch.tensor([[[3.0, 0], [9, 1], [1, 2], [5, 3]]])
    kept = GlobalFeatureLocalFilter(3)(style, torch.tensor([[1.0, 0.0]]))
    assert kept[0, :, 1].tolist() == [1, 3, 0]


def test_filter_attention_is_eq_3() -> None:
    style, v_g = torch.randn(2, 4, 8), torch.randn(2, 8)
    w = GlobalFeatureLocalFilter(2).attention(style, v_g)
    for b in range(2):
        e = torch.stack([(style[b, i] @ v_g[b]).exp() for i in range(4)])
        assert torch.allclose(w[b], e / e.sum(), atol=1e-6)


def test_filter_orders_where_the_softmax_underflows() -> None:
    style = torch.tensor([[[-2000.0], [-1000.0], [0.0]]])
    assert GlobalFeatureLocalFilter(3)(style, torch.ones(1, 1))[0, :, 0].tolist() == [
        0,
        -1000,
        -2000,
    ]


def test_filter_refuses_k_above_n() -> None:
    with pytest.raises(ValueError, match="k = 5 of n = 4"):
        GlobalFeatureLocalFilter(5)(torch.randn(1, 4, 8), torch.randn(1, 8))


def test_gradient_reaches_the_kept_features_only() -> None:
    style = torch.tensor([[[3.0, 0], [9, 1]]], requires_grad=True)
    GlobalFeatureLocalFilter(1)(style, torch.tensor([[1.0, 0.0]])).sum().backward()
    assert style.grad[0].tolist() == [[0, 0], [1, 1]]

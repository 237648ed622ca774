"""Prototype contrast: numbers by hand, a slow loop, the gradient, and prototypes nobody knows."""

import math

import pytest
import torch

from dppp.losses import prototype_loss


def test_numbers_by_hand() -> None:
    """v = (1, 0); cosines with the prototypes are 1, 0 and -1; tau = 0.5: logits 2, 0, -2."""
    v, p = torch.tensor([[3.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 5.0], [-1.0, 0.0]])
    for label, logit in enumerate((2, 0, -2)):
        expected = math.log(math.exp(2) + 1 + math.exp(-2)) - logit
        assert prototype_loss(v, p, torch.tensor([label]), 0.5).item() == pytest.approx(expected)


def test_equals_a_slow_loop_without_the_unknown() -> None:
    torch.manual_seed(0)
    v, p, labels = torch.randn(6, 5), torch.randn(4, 5), torch.tensor([0, 0, 1, 3, 3, 1])
    p[2] = 0
    total = 0.0
    for i in range(6):
        logits = [torch.cosine_similarity(v[i], p[n], dim=0).item() / 0.1 for n in (0, 1, 3)]
        own = logits[(0, 1, 3).index(int(labels[i]))]
        total += math.log(sum(map(math.exp, logits))) - own
    assert prototype_loss(v, p, labels, 0.1).item() == pytest.approx(total / 6, rel=1e-5)


def test_the_gradient_pulls_towards_the_own_prototype() -> None:
    v = torch.tensor([[1.0, 1.0]], requires_grad=True)
    p = torch.eye(2)
    prototype_loss(v, p, torch.tensor([0]), 0.05).backward()
    assert v.grad[0, 0] < 0 < v.grad[0, 1]


def test_one_known_prototype_is_no_contrast_and_a_tiny_temperature_stays_finite() -> None:
    v = torch.randn(2, 3)
    alone = torch.stack([v[0], torch.zeros(3)])
    assert prototype_loss(v, alone, torch.tensor([0, 0]), 0.05).item() == 0
    assert prototype_loss(v, -v, torch.tensor([0, 1]), 1e-4).isfinite()

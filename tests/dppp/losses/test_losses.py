"""Eqs. 6-9, 11, 12 and 15 against slow loops and hand numbers."""

import math

import pytest
import torch
from fastreid.modeling.losses import cross_entropy_loss

from dppp.losses import (
    adaptive_identity_loss,
    identity_loss,
    image_triplet_loss,
    match_share,
    supcon_loss,
    text_triplet_loss,
)

LABELS = torch.tensor([0, 0, 1, 1, 2, 0])


def _features(seed: int) -> torch.Tensor:
    return torch.randn(len(LABELS), 5, generator=torch.Generator().manual_seed(seed))


def _slow_supcon(v: torch.Tensor, t: torch.Tensor, labels: torch.Tensor, tau: float) -> float:
    """Return Eqs. 6-8 with the minus sign and 1/|P|, computed one number at a time."""
    total = 0.0
    for a, b in ((v, t), (t, v)):
        for i in range(len(labels)):
            sims = [float(torch.cosine_similarity(a[i], b[j], dim=0)) / tau for j in range(len(b))]
            denominator = sum(math.exp(s) for s in sims)
            positives = [j for j in range(len(b)) if labels[j] == labels[i]]
            logs = [math.log(math.exp(sims[p]) / denominator) for p in positives]
            total -= sum(logs) / len(positives) / len(labels)
    return total


def test_supcon_equals_a_slow_loop() -> None:
    v, t = _features(1), 3 * _features(2)
    expected = _slow_supcon(v, t, LABELS, 0.5)
    assert supcon_loss(v, t, LABELS, 0.5).item() == pytest.approx(expected, rel=1e-5)


def test_supcon_by_hand() -> None:
    """Two identities, orthogonal features, tau 1: each row has logits (1, 0)."""
    eye = torch.eye(2)
    expected = 2 * math.log(1 + math.exp(-1))
    assert supcon_loss(eye, eye, torch.tensor([0, 1]), 1.0).item() == pytest.approx(expected)


def test_supcon_of_one_identity_is_the_uniform_floor() -> None:
    v = torch.ones(4, 3)
    loss = supcon_loss(v, v, torch.zeros(4, dtype=torch.long), 0.07)
    assert loss.item() == pytest.approx(2 * math.log(4), rel=1e-5)


def test_supcon_gradient_and_extremes() -> None:
    v = _features(1).double().requires_grad_()
    # In float32 inside, so finite differences are coarse.
    loss = supcon_loss(v, _features(2), LABELS, 0.5)
    loss.backward()
    step = torch.zeros_like(v)
    step[2, 3] = 1e-2
    with torch.no_grad():
        up = supcon_loss(v + step, _features(2), LABELS, 0.5)
        down = supcon_loss(v - step, _features(2), LABELS, 0.5)
    assert v.grad[2, 3].item() == pytest.approx(((up - down) / 2e-2).item(), abs=2e-3)
    huge = supcon_loss(1e20 * _features(1), 1e-20 * _features(2), LABELS, 0.001)
    assert torch.isfinite(huge)


def test_supcon_is_float32_under_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        loss = supcon_loss(_features(1).bfloat16(), _features(2).bfloat16(), LABELS, 0.07)
    assert loss.dtype == torch.float32


def test_match_share_is_float32_under_autocast() -> None:
    """In bf16 both texts would be as similar to each image, and the first would win."""
    features = torch.tensor([[1.0, 0.02], [1.0, 0.01]])
    with torch.autocast("cpu", torch.bfloat16):
        assert match_share(features, features, torch.tensor([0, 1])).item() == 1.0


def test_text_triplet_equals_a_slow_loop() -> None:
    t = _features(3)
    unit = t / t.norm(dim=1, keepdim=True)
    terms = []
    for a in range(len(LABELS)):
        others = [j for j in range(len(LABELS)) if j != a]
        same = [
            float((unit[a] - unit[p]) @ (unit[a] - unit[p]))
            for p in others
            if LABELS[p] == LABELS[a]
        ]
        different = [
            float((unit[a] - unit[n]) @ (unit[a] - unit[n]))
            for n in others
            if LABELS[n] != LABELS[a]
        ]
        if same:
            terms.append(max(max(same) - min(different) + 0.3, 0))
    expected = sum(terms) / len(terms)
    assert text_triplet_loss(t, LABELS, 0.3).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]], ids=["one identity", "no positive"])
def test_text_triplet_without_pairs_is_zero_with_a_gradient(labels: list[int]) -> None:
    t = torch.randn(3, 4, requires_grad=True)
    loss = text_triplet_loss(t, torch.tensor(labels), 0.3)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(t.grad, torch.zeros_like(t))


def test_text_triplet_gradient_is_finite_for_equal_features() -> None:
    t = torch.ones(4, 4, requires_grad=True)
    text_triplet_loss(t, torch.tensor([0, 0, 1, 1]), 0.3).backward()
    assert torch.isfinite(t.grad).all()


def test_image_triplet_by_hand() -> None:
    """On a line: identity 0 at 0 and 1, identity 1 at 3 and 5; batch-hard, margin 2.5."""
    x = torch.tensor([[0.0], [1.0], [3.0], [5.0]])
    # d_p - d_n + 2.5: 1-3, 1-2, 2-2, 2-4 -> 0.5, 1.5, 2.5, 0.5
    loss = image_triplet_loss(x, torch.tensor([0, 0, 1, 1]), 2.5, normalize=False, hard_mining=True)
    assert loss.item() == pytest.approx(5.0 / 4, rel=1e-4)


def test_identity_by_hand() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    labels = torch.tensor([0, 0])
    expected = (math.log(1 + math.exp(-2)) + math.log(1 + math.e)) / 2
    assert identity_loss(logits, labels).item() == pytest.approx(expected, rel=1e-6)
    assert identity_loss(logits, labels, label_smoothing=0.1) != identity_loss(logits, labels)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0])
def test_adaptive_smoothing_equals_that_of_fastreid(alpha: float) -> None:
    logits = 3 * torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    logits[0] = torch.tensor([0.0, 500, 0, 0, 0])  # its loss is 0: not counted if alpha is 0
    labels = torch.tensor([1, 0, 2, 3, 4, 4])
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    loss = adaptive_identity_loss(ours, labels, alpha)
    expected = cross_entropy_loss(theirs, labels, eps=-1.0, alpha=alpha)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    loss.backward()
    expected.backward()
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-6)


def test_adaptive_smoothing_of_sure_and_of_one_identity() -> None:
    assert adaptive_identity_loss(torch.tensor([[1e4, -1e4]]), torch.tensor([0]), 0.0) == 0
    assert adaptive_identity_loss(torch.randn(3, 1), torch.zeros(3, dtype=torch.long), 0.2) == 0


def test_identity_gradient_is_softmax_minus_target() -> None:
    logits = torch.randn(3, 4, requires_grad=True)
    labels = torch.tensor([0, 3, 1])
    identity_loss(logits, labels).backward()
    expected = (logits.detach().softmax(1) - torch.eye(4)[labels]) / 3
    assert torch.allclose(logits.grad, expected, atol=1e-6)


def test_identity_of_extreme_logits_and_of_one_identity() -> None:
    huge = identity_loss(torch.tensor([[1e4, -1e4]]), torch.tensor([1]))
    assert huge.item() == pytest.approx(2e4)
    assert identity_loss(torch.randn(3, 1), torch.zeros(3, dtype=torch.long)).item() == 0


def test_image_triplet_gradient_and_extremes() -> None:
    x = torch.tensor([[0.0], [1.0], [3.0], [5.0]], requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1])
    image_triplet_loss(x, labels, 2.5, normalize=False, hard_mining=True).backward()
    # Anchors 0 to 3: (0, 1, -1, 0), (-1, 2, -1, 0), (0, 1, -2, 1), (0, 1, -1, 0).
    assert x.grad.flatten().tolist() == pytest.approx([-1 / 4, 5 / 4, -5 / 4, 1 / 4], abs=1e-3)
    same = torch.ones(4, 8, requires_grad=True)
    loss = image_triplet_loss(same, labels, 0.3, normalize=False, hard_mining=True)
    loss.backward()
    assert loss.item() == pytest.approx(0.3, abs=1e-4)
    assert torch.isfinite(same.grad).all()
    assert torch.isfinite(
        image_triplet_loss(1e15 * torch.randn(4, 8), labels, 0.3, normalize=False, hard_mining=True)
    )


@pytest.mark.parametrize(
    "labels", [[0, 0, 0, 0], [0, 1, 2, 3]], ids=["one identity", "no positive"]
)
def test_image_triplet_without_pairs_is_finite(labels: list[int]) -> None:
    loss = image_triplet_loss(
        torch.randn(4, 8), torch.tensor(labels), 0.3, normalize=False, hard_mining=True
    )
    assert torch.isfinite(loss)


def test_supcon_without_other_positives_is_clip_loss() -> None:
    v, t = _features(1), _features(2)
    labels = torch.arange(len(v))
    logits = torch.nn.functional.normalize(v) @ torch.nn.functional.normalize(t).T / 0.3
    expected = sum(torch.nn.functional.cross_entropy(x, labels) for x in (logits, logits.T))
    assert supcon_loss(v, t, labels, 0.3).item() == pytest.approx(expected.item(), rel=1e-5)

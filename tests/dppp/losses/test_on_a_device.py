"""What a loss may not do on a GPU: make the host wait, or need memory beyond (B, B)."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from fastreid.modeling.losses import triplet_loss
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dppp.losses import (
    adaptive_identity_loss,
    identity_loss,
    image_triplet_loss,
    match_share,
    supcon_loss,
    text_triplet_loss,
)
from waiting import NoWaiting

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "identity": identity_loss,
    "adaptive identity": lambda x, labels: adaptive_identity_loss(x, labels, 0.2),
    "supcon": lambda x, labels: supcon_loss(x, x.flip(1), labels, 0.07),
    "match_share": lambda x, labels: match_share(x, x.flip(1), labels),
    "text": lambda x, labels: text_triplet_loss(x, labels, 0.3),
} | {
    f"image, margin {margin}, {hard}": lambda x, labels, margin=margin, hard=hard: (
        image_triplet_loss(x, labels, margin, normalize=not hard, hard_mining=hard)
    )
    for margin in (0.0, 0.3)
    for hard in (True, False)
}


def run(loss: Callable[[Tensor, Tensor], Tensor], num_images: int, width: int) -> None:
    """Forward and backward; 4 images an identity."""
    x = torch.randn(num_images, width, generator=torch.Generator().manual_seed(0)).requires_grad_()
    value = loss(x, torch.arange(num_images) // 4)
    if value.requires_grad:
        value.backward()


class LargestTensor(TorchDispatchMode):
    """Attributes: largest, the number of elements of the largest tensor that is made."""

    largest = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        self.largest = max(self.largest, *sizes, 0)
        return result


@pytest.mark.parametrize("name", LOSSES)
def test_no_loss_makes_the_host_wait(name: str) -> None:
    with NoWaiting():
        run(LOSSES[name], num_images=16, width=8)


@pytest.mark.parametrize(
    "wait",
    [
        lambda x: x.sum().item(),
        lambda x: bool((x > 0).any()),
        lambda x: x[x > 0],
        lambda x: x.masked_select(x > 0),
        lambda x: x.nonzero(),
        lambda x: torch.equal(x, x),
    ],
)
def test_what_would_make_it_wait_is_found(wait: Callable[[Tensor], object]) -> None:
    x = torch.ones(3)
    with NoWaiting(), pytest.raises(AssertionError, match="the host waits"):
        wait(x)


@pytest.mark.parametrize("name", LOSSES)
def test_memory_grows_with_pairs_not_with_their_features(name: str) -> None:
    with LargestTensor() as mode:
        run(LOSSES[name], num_images=1024, width=300)
    assert mode.largest <= 1024 * 1024


@pytest.mark.parametrize("hard_mining", [True, False], ids=["hardest", "weighted"])
@pytest.mark.parametrize("normalize", [True, False], ids=["cosine", "Euclidean"])
@pytest.mark.parametrize("margin", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("scale", [0.0, 0.1, 1.0, 1000.0])  # the last overflows a soft margin
def test_image_triplets_equal_those_of_fastreid(
    hard_mining: bool, normalize: bool, margin: float, scale: float
) -> None:
    x = scale * torch.randn(32, 16, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8).repeat(4)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    loss = image_triplet_loss(ours, labels, margin, normalize=normalize, hard_mining=hard_mining)
    expected = triplet_loss(theirs, labels, margin, norm_feat=normalize, hard_mining=hard_mining)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-6)


def test_a_soft_margin_overflows_as_that_of_fastreid() -> None:
    """Some anchors overflow, others not; the loss of all is then that of a margin of 0.3."""
    x = torch.tensor([[0.0], [200.0], [1.0], [2.0]], requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1])
    loss = image_triplet_loss(x, labels, 0.0, normalize=False, hard_mining=True)
    same = x.detach().clone().requires_grad_()
    expected = triplet_loss(same, labels, 0.0, norm_feat=False, hard_mining=True)
    assert loss.item() == pytest.approx(expected.item())
    loss.backward()
    expected.backward()
    assert torch.equal(x.grad, same.grad)

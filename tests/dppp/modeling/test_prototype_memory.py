"""The prototypes of a memory: how they start, and how a batch moves them."""

import pytest
import torch
import torch.nn.functional as F

from dppp.losses import prototype_loss
from dppp.modeling.prototype_memory import PrototypeMemory

MOMENTUM, TEMPERATURE = 0.2, 0.5


@pytest.fixture
def memory() -> PrototypeMemory:
    return PrototypeMemory(4, 3, momentum=MOMENTUM, temperature=TEMPERATURE)


def test_a_batch_moves_its_identities_by_their_mean_directions(memory: PrototypeMemory) -> None:
    torch.manual_seed(0)
    start, v, labels = torch.randn(4, 3), torch.randn(5, 3), torch.tensor([2, 0, 2, 2, 0])
    memory.start(start)
    assert torch.allclose(memory.prototypes, F.normalize(start))
    expected = F.normalize(start)
    for pid in (0, 2):
        mean = F.normalize(F.normalize(v[labels == pid]).mean(dim=0), dim=0)
        expected[pid] = F.normalize(MOMENTUM * expected[pid] + (1 - MOMENTUM) * mean, dim=0)
    loss = memory(v, labels)
    assert torch.allclose(memory.prototypes, expected, atol=1e-6)
    # the loss is with the prototypes as they were before
    assert torch.allclose(loss, prototype_loss(v, start, labels, TEMPERATURE))


def test_an_identity_that_is_not_known_starts_from_its_first_batch(memory: PrototypeMemory) -> None:
    assert memory.is_empty
    v, labels = torch.randn(4, 3), torch.tensor([1, 1, 3, 3])
    loss = memory(v, labels)
    means = F.normalize(torch.stack([F.normalize(v[:2]).mean(dim=0), F.normalize(v[2:]).mean(0)]))
    assert torch.allclose(memory.prototypes[[1, 3]], means, atol=1e-6)
    assert not memory.prototypes[[0, 2]].any() and not memory.is_empty
    assert torch.allclose(loss, prototype_loss(v, means, torch.tensor([0, 0, 1, 1]), TEMPERATURE))


def test_images_get_a_gradient_and_the_memory_none(memory: PrototypeMemory) -> None:
    memory.start(torch.randn(4, 3))
    for _ in range(2):
        v = torch.randn(2, 3, requires_grad=True)
        memory(v, torch.tensor([0, 1])).backward()
        assert v.grad.any()
    assert not memory.prototypes.requires_grad and not list(memory.parameters())
    assert set(memory.state_dict()) == {"prototypes"}

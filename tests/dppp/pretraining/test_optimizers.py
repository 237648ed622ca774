"""Muon in float32 against torch's, which computes in bf16."""

import torch
from torch import nn

from dppp.pretraining.optimizers import Muon


def test_muon_is_torchs_but_for_its_precision() -> None:
    torch.manual_seed(0)
    start = [torch.randn(24, 8), torch.randn(8, 24), torch.randn(16, 16)]
    gradients = [[torch.randn_like(x) for x in start] for _ in range(4)]
    ends = []
    for build in (
        lambda params: Muon(params, lr=0.02, weight_decay=0.1),
        lambda params: torch.optim.Muon(
            params, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
        ),
    ):
        params = [nn.Parameter(x.clone()) for x in start]
        optimizer = build(params)
        for step in gradients:
            for parameter, gradient in zip(params, step, strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()
        ends.append([parameter.detach() for parameter in params])
    for before, ours, theirs in zip(start, *ends, strict=True):
        moved = (theirs - before).norm()
        assert (ours - theirs).norm() < 0.02 * moved


def test_a_resumed_muon_goes_on_as_before() -> None:
    torch.manual_seed(0)
    start, gradients = torch.randn(6, 4), torch.randn(4, 6, 4)

    def run(optimizer: Muon, parameter: nn.Parameter, steps: torch.Tensor) -> None:
        for gradient in steps:
            parameter.grad = gradient.clone()
            optimizer.step()

    whole = nn.Parameter(start.clone())
    run(Muon([whole], lr=0.1, weight_decay=0.1), whole, gradients)
    half = nn.Parameter(start.clone())
    first = Muon([half], lr=0.1, weight_decay=0.1)
    run(first, half, gradients[:2])
    second = Muon([half], lr=0.5, weight_decay=0.0)
    second.load_state_dict(first.state_dict())
    run(second, half, gradients[2:])
    assert torch.equal(whole, half)

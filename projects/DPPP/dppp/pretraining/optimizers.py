"""The optimizers of the small CLIP: Muon for the blocks' matrices, AdamW for the rest."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

_NEWTON_SCHULZ = (3.4445, -4.775, 2.0315)  # coefficients of the quintic, of Muon's authors
_ITERATIONS = 5


class Muon(Optimizer):
    """Momentum with all singular values set to about 1 (Jordan et al. 2024), in float32.

    ``torch.optim.Muon`` computes in bf16, which takes a CPU without instructions for it longer than
    the rest of a step.

    Args:
        params: matrices.
        lr: learning rate; updates have the size of AdamW's (arXiv 2502.16982).
        weight_decay: decoupled, as AdamW's.
        momentum: Nesterov's.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        *,
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state, momentum = self.state[parameter], group["momentum"]
                mean = state.setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 - momentum)
                update = _orthogonal(parameter.grad.lerp(mean, momentum))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                size = 0.2 * math.sqrt(max(parameter.shape))
                parameter.add_(update, alpha=-group["lr"] * size)


def _orthogonal(matrix: Tensor) -> Tensor:
    """Return U V^T, roughly, of a matrix U S V^T."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    a, b, c = _NEWTON_SCHULZ
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def build_optimizers(
    trained: nn.Module, *, learning_rate: float, block_rate: float, weight_decay: float
) -> list[Optimizer]:
    """Return the optimizers of a module that holds an open_clip model.

    Args:
        trained: all that is trained.
        learning_rate: of AdamW.
        block_rate: of Muon.
        weight_decay: of matrices; embeddings, biases and norms have none.
    """
    blocks: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in trained.named_parameters():
        if parameter.ndim < 2 or "embedding" in name:
            others.append(parameter)
        else:
            (blocks if ".resblocks." in name else matrices).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    adamw = AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
    muon = Muon(blocks, lr=block_rate, weight_decay=weight_decay)
    for optimizer in (adamw, muon):
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return [adamw, muon]


def set_rate(optimizers: list[Optimizer], share: float) -> None:
    """Set all learning rates to a share of their peaks, 0..1."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = share * group["peak_lr"]

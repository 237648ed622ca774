"""The batch of all processes together, with gradient.

Every process computes the same loss on the whole global batch. The gradient of a feature is then
the sum over processes, world size times the true one, and ``DistributedDataParallel`` divides it by
the world size again: losses and gradients equal those of one process on the same batch.
"""

from typing import Any

import torch
import torch.distributed as dist
from fastreid.utils import comm
from torch import Tensor


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:
        parts = [torch.empty_like(local) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, local.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient.chunk(dist.get_world_size())[dist.get_rank()]


def gather_batch(local: Tensor) -> Tensor:
    """Return the tensors (B, ...) of all processes by rank, (world size x B, ...)."""
    return _Gather.apply(local) if comm.get_world_size() > 1 else local

"""``torch.compile`` for training: the model and its losses in one graph, batches of one size."""

import shutil
from typing import cast

import torch
from torch import nn

from ..errors import UserError

_CPU_COMPILERS = ("c++", "g++", "clang++")


def compiled(model: nn.Module, mode: str, device_type: str) -> nn.Module:
    """Return what a training step calls: it shares its weights with ``model``.

    Args:
        model: or its distributed wrapper, in training mode; evaluation stays with it.
        mode: SOLVER.COMPILE; "" returns the model itself.
        device_type: where the model is.

    Raises:
        UserError: on a CPU, without a C++ compiler.
    """
    if not mode:
        return model
    if device_type == "cpu" and not any(map(shutil.which, _CPU_COMPILERS)):
        raise UserError("SOLVER.COMPILE needs a C++ compiler on a CPU; install g++ or clang++")
    return cast(nn.Module, torch.compile(model, mode=mode, dynamic=False))

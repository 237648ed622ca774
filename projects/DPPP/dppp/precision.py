"""The number format of a forward pass without gradients: fp32, or bf16 by torch's autocast."""

from typing import Any

import torch
from torch import Tensor, nn

from .defaults import PRECISIONS
from .errors import UserError


def check_precision(name: str, source: str) -> None:
    """Raise a UserError unless ``name`` is that of a number format.

    Args:
        name: the format.
        source: the key or option it was given by, for the message.
    """
    if name not in PRECISIONS:
        raise UserError(f"{source} is {name!r}; allowed: {', '.join(PRECISIONS)}")


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Return the context in which products of matrices are computed in ``precision``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


class InPrecision(nn.Module):
    """A model in evaluation whose forward pass runs in a number format; it returns float32.

    The evaluator around it stays in float32: autocast ends with the forward pass.

    Args:
        model: returns features (B, d1); it has a parameter, whose device is the model's.
        precision: one of PRECISIONS.
    """

    def __init__(self, model: nn.Module, precision: str) -> None:
        super().__init__()
        self.model = model
        self.training = model.training  # FastReID sets the mode back to it after an evaluation
        self._precision = precision
        self._device = next(model.parameters()).device

    def forward(self, inputs: Any) -> Tensor:
        """Return the model's features (B, d1), float32."""
        with autocast(self._precision, self._device):
            return self.model(inputs).to(torch.float32)

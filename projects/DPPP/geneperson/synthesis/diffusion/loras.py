"""LoRAs, added to the weights once, so that a step costs what it costs without them.

People are drawn with the roles' LoRAs, backgrounds without. Adding them to rounded weights and
subtracting them again would not give the same bits, so the layers that they change have two sets of
weights: one in the networks, the other waiting in the host's memory. The acceleration LoRA decides
how many steps a picture needs; it is in both.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .settings import ACCELERATION

if TYPE_CHECKING:
    import torch


class LoraWeights:
    """The weights that the roles' LoRAs change; after loading, those for people are in place.

    Args:
        waiting: weight of a network -> its values without the roles' LoRAs.
    """

    def __init__(self, waiting: dict[torch.nn.Parameter, torch.Tensor]) -> None:
        self._waiting = waiting
        self._for_people = True

    def use(self, *, for_people: bool) -> None:
        """Put the weights for people, or those for backgrounds, into the networks."""
        import torch

        if for_people == self._for_people:
            return
        with torch.no_grad():
            for weight, waiting in self._waiting.items():
                in_use = weight.to(waiting.device, copy=True)
                weight.copy_(waiting)
                waiting.copy_(in_use)
        self._for_people = for_people


def add_to_weights(pipe: Any, weights: dict[str, float]) -> LoraWeights:
    """Add the loaded LoRAs to the weights that they change, and unload them.

    The sums are made in float32 and rounded once, layer by layer.

    Args:
        pipe: a pipeline of diffusers whose adapters have the roles' names, before it is placed.
        weights: role -> its weight.
    """
    if not weights:
        return LoraWeights({})
    pipe.set_adapters(list(weights), adapter_weights=list(weights.values()))
    roles = [role for role in weights if role != ACCELERATION]
    waiting: dict[torch.nn.Parameter, torch.Tensor] = {}
    for layer in _layers(pipe):
        base = layer.get_base_layer()
        dtype = base.weight.dtype
        layer.float()
        _merge(layer, [ACCELERATION])
        plain = [(weight, weight.detach().to(dtype, copy=True)) for weight in base.parameters()]
        _merge(layer, roles)
        layer.to(dtype)
        waiting |= {weight: before for weight, before in plain if not weight.equal(before)}
    pipe.unload_lora_weights()
    return LoraWeights(waiting)


def _layers(pipe: Any) -> Iterator[Any]:
    """Yield peft's layers, of all networks, around those that a LoRA changes."""
    import torch
    from peft.tuners.lora import LoraLayer

    for network in pipe.components.values():
        if isinstance(network, torch.nn.Module):
            yield from (part for part in network.modules() if isinstance(part, LoraLayer))


def _merge(layer: Any, adapters: Sequence[str]) -> None:
    """Add those of the adapters that this layer has to its weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft warns of a second merge, which is meant here
        layer.merge(adapter_names=list(adapters))

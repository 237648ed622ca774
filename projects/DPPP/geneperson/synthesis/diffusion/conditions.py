"""The maps are the same in all steps and pictures: a ControlNet embeds each of them once.

Diffusers embeds them in full size in every step, once for each picture with and without its prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_NUM_MAPS = 2  # skeletons and edges; a union network embeds both


def embed_once(network: Any) -> None:
    """Let a ControlNet embed a map when a call of the pipeline first shows it.

    A pipeline shows the same tensor in all of its steps. Its rows are equal, because all pictures
    of a batch have the same map; the first stands for all.

    Args:
        network: a ``ControlNetModel`` or ``ControlNetUnionModel``.
    """
    embedding = network.controlnet_cond_embedding
    whole: Callable[[torch.Tensor], torch.Tensor] = embedding.forward
    known: list[tuple[torch.Tensor, torch.Tensor]] = []

    def forward(conditioning: torch.Tensor) -> torch.Tensor:
        for seen, result in known:
            if seen is conditioning:
                return result
        row = whole(conditioning[:1])
        result = row.expand(len(conditioning), *row.shape[1:])
        known[:] = [*known, (conditioning, result)][-_NUM_MAPS:]
        return result

    embedding.forward = forward

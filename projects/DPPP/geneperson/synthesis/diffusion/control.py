"""A condition that has ended costs nothing: its ControlNet is not called.

After ``control_guidance_end``, diffusers sets the scale of a condition to 0 but still calls its
network, almost a quarter of the arithmetic of a step (SDXL with two ControlNets), and multiplies
the result by 0. A union network weighs what it is shown, not what it says, so at scales of 0 it
would still change the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import torch

# What a ControlNet adds to the denoiser's levels and to its middle; None for nothing.
Residuals: TypeAlias = "tuple[list[torch.Tensor] | None, torch.Tensor | None]"


def skip_ended(networks: Any) -> None:
    """Let a ``MultiControlNetModel`` call only the networks whose scale is not 0."""

    def forward(
        *inputs: torch.Tensor,
        controlnet_cond: list[torch.Tensor],
        conditioning_scale: list[float],
        **others: Any,
    ) -> Residuals:
        residuals = [
            network(*inputs, controlnet_cond=image, conditioning_scale=scale, **others)
            for network, image, scale in zip(
                networks.nets, controlnet_cond, conditioning_scale, strict=True
            )
            if scale
        ]
        if not residuals:
            return None, None
        levels, middles = zip(*residuals, strict=True)
        return [reduce(add, parts) for parts in zip(*levels, strict=True)], reduce(add, middles)

    networks.forward = forward


def skip_ended_in_union(network: Any) -> None:
    """Let a ``ControlNetUnionModel`` see only the conditions whose scale is not 0.

    Of a condition that is left alone, diffusers weighs what the network says, as it does where one
    condition is all there is.
    """
    whole: Callable[..., Residuals] = network.forward

    def forward(
        *inputs: torch.Tensor,
        controlnet_cond: list[torch.Tensor],
        control_type: torch.Tensor,
        control_type_idx: list[int],
        conditioning_scale: list[float],
        **others: Any,
    ) -> Residuals:
        acting = [number for number, scale in enumerate(conditioning_scale) if scale]
        if not acting:
            return None, None
        modes = [control_type_idx[number] for number in acting]
        kept = control_type.new_zeros(control_type.shape)
        kept[:, modes] = control_type[:, modes]
        return whole(
            *inputs,
            controlnet_cond=[controlnet_cond[number] for number in acting],
            control_type=kept,
            control_type_idx=modes,
            conditioning_scale=[conditioning_scale[number] for number in acting],
            **others,
        )

    network.forward = forward

"""The samplers of ``DIFFUSION.SCHEDULER``, as diffusers has them."""

from __future__ import annotations

from typing import Any

from ...errors import UserError
from ...extras import require

# Name -> class of diffusers, and what differs from the base model's own values. SDXL-Lightning was
# trained on "trailing" steps, which end at the noisiest one.
SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "euler_a": ("EulerAncestralDiscreteScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {"timestep_spacing": "trailing"}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "lcm": ("LCMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
}
_MOST_STEPS = {"lcm": 50, "tcd": 50}  # diffusers picks theirs out of so many
TCD_ETA = 0.3  # how random a step of TCD is, as its authors advise; the others have no such value


def refuse_too_many_steps(name: str, steps: int) -> None:
    """Refuse a number of steps that a sampler does not have.

    Raises:
        UserError: with the most that it has.
    """
    if steps > _MOST_STEPS.get(name, steps):
        raise UserError(
            f"configuration: DIFFUSION.STEPS is {steps}, must be {_MOST_STEPS[name]} or less with "
            f"DIFFUSION.SCHEDULER {name}; such models need 4 to 8"
        )


def make_sampler(name: str, config: Any) -> Any:
    """Make a sampler for a model.

    Args:
        name: key of ``SAMPLERS``.
        config: configuration of the base model's own scheduler.
    """
    class_name, values = SAMPLERS[name]
    return getattr(require("diffusers", "DIFFUSION.SCHEDULER"), class_name).from_config(
        config, **values
    )

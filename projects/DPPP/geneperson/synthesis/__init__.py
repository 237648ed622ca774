"""How people and scenes are drawn: one protocol, one module for each way of drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UserError
from .base import Characters, Synthesizer

if TYPE_CHECKING:
    from yacs.config import CfgNode

__all__ = ["Characters", "Synthesizer", "build_synthesizer", "check_name", "draws_in_workers"]

NAMES = ("procedural", "diffusion")


def build_synthesizer(cfg: CfgNode) -> Synthesizer:
    """The synthesizer that `SYNTHESIS.NAME` asks for.

    Raises:
        UserError: unknown name; or packages, models or a device that it needs are not there.
    """
    check_name(cfg.SYNTHESIS.NAME)
    if cfg.SYNTHESIS.NAME == "diffusion":
        from .diffusion.synthesizer import DiffusionSynthesizer  # brings torch and diffusers

        return DiffusionSynthesizer.from_config(cfg)
    from .procedural.synthesizer import ProceduralSynthesizer

    return ProceduralSynthesizer.from_config(cfg)


def check_name(name: str) -> None:
    """Refuse an unknown `SYNTHESIS.NAME`."""
    if name not in NAMES:
        raise UserError(f"SYNTHESIS.NAME is {name!r}: use one of {', '.join(NAMES)}")


def draws_in_workers(name: str) -> bool:
    """Tell whether every worker process may draw for itself, or one process holds the model."""
    return name == "procedural"

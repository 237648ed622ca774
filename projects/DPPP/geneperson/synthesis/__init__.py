"""How people and scenes are drawn: one protocol, one module for each way of drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UserError
from .base import Characters, Synthesizer
from .procedural import ProceduralSynthesizer

if TYPE_CHECKING:
    from yacs.config import CfgNode

__all__ = ["Characters", "ProceduralSynthesizer", "Synthesizer", "build_synthesizer"]

_BUILDERS = {"procedural": ProceduralSynthesizer.from_config}


def build_synthesizer(cfg: CfgNode) -> Synthesizer:
    """The synthesizer that `SYNTHESIS.NAME` asks for."""
    if cfg.SYNTHESIS.NAME not in _BUILDERS:
        raise UserError(
            f"SYNTHESIS.NAME is {cfg.SYNTHESIS.NAME!r}: use one of {', '.join(_BUILDERS)}"
        )
    return _BUILDERS[cfg.SYNTHESIS.NAME](cfg)

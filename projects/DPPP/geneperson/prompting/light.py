"""Light is shown once: a neutral canvas is relit, or a canvas keeps the light it was drawn in.

============  ============================  ============================  =========
``relight``   neutral, even light           any lighting, dealt           relit
``drawn``     the lighting of its prompt    its own lighting              not relit
============  ============================  ============================  =========
"""

from __future__ import annotations

from dataclasses import dataclass

from yacs.config import CfgNode

from .. import seeding
from ..config import RELIGHT
from ..worlds.lighting import LIGHTINGS, NEUTRAL
from .prompts import Identity, under_light


@dataclass(frozen=True, kw_only=True)
class LightSettings:
    """In which light people are drawn.

    Attributes:
        mode: one of ``config.LIGHT_MODES``.
        per_identity: canvases of one identity, each under another lighting; 1 with ``relight``.
    """

    mode: str
    per_identity: int

    @classmethod
    def from_config(cls, cfg: CfgNode) -> LightSettings:
        """Read ``cfg.LIGHT``."""
        return cls(mode=cfg.LIGHT.MODE, per_identity=cfg.LIGHT.PER_IDENTITY)

    def drawings(self, identity: Identity, seed: int) -> list[Identity]:
        """Return an identity once for each of its canvases: same seed, other light.

        Args:
            identity: as the prompts give it, or the first of the list that this returned.
            seed: of the build.
        """
        if self.mode == RELIGHT:
            return [under_light(identity, NEUTRAL)]
        names = [one.name for one in LIGHTINGS if one.name != identity.lighting]
        order = seeding.rng(seed, "light", identity.index).permutation(len(names))
        others = [names[number] for number in order[: self.per_identity - 1]]
        return [identity, *(under_light(identity, name) for name in others)]

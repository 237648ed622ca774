"""What trains in which phase: Fig. 2(b), with the encoder, and Fig. 2(c), with P_s alone."""

from fastreid.config import CfgNode
from torch import Tensor, nn
from typing_extensions import Self, override

from ..losses import LossSettings
from .architecture import DPPPArchitecture
from .checks import check_dppp_config, idle_keys, plan_phases
from .fastreid_keys import ignored_keys
from .identity_head import IdentityHead
from .interface import PhasePlan, TrainedGroup
from .pseudo_words import ContentInversion, StyleAggregation, StyleInversion


class DPPPPhases(DPPPArchitecture):
    """The side of ``CLIPDPPP`` that a trainer sees.

    Attributes:
        watched: numbers of the last training step, as tensors on the device.
    """

    phase_keys = ("SOLVER.PHASE_EPOCHS", "MODEL.DPPP.PHASES")
    content_inversion: ContentInversion
    style_aggregation: StyleAggregation
    style_inversion: StyleInversion
    strategy: str
    losses: LossSettings
    projected_head: IdentityHead
    content_head: IdentityHead
    log_inverse_temperature: nn.Parameter | None
    _is_started: bool

    @classmethod
    def check_config(cls, cfg: CfgNode) -> None:
        """Raise a UserError if the model cannot use a value of ``cfg``."""
        check_dppp_config(cfg)

    @classmethod
    def ignored_keys(cls, cfg: CfgNode) -> list[str]:
        """Return those of FastReID's keys, and of ours, that were set and have no effect."""
        return [*ignored_keys(cfg), *idle_keys(cfg)]

    @classmethod
    def plan_phases(cls, cfg: CfgNode) -> list[PhasePlan]:
        """Return phases 1 and 2 as far as they run."""
        return plan_phases(cfg)

    def start_phase(self, number: int) -> None:
        """Freeze everything but what the phase trains."""
        if (self.phase, number) == (1, 2) and self.destylization.residual and self.num_classes:
            # v_c starts as v_g, so what classifies it starts as what has learned to classify v_g
            self.content_head.load_state_dict(self.projected_head.state_dict())
        self._is_started = True
        self.set_phase(number)
        self.has_content_words |= self.content_inversion in self._trained_parts()

    @property
    def needs_content_words(self) -> bool:
        """Whether what is trained compares with texts of content words that it does not train."""
        return bool(self.num_classes) and "L2_SupCon" in self.losses.names

    @override
    def set_phase(self, number: int) -> None:
        self.phase = number
        self.watched: dict[str, Tensor] = {}
        self.requires_grad_(requires_grad=False)
        for part in self._trained_parts():
            part.requires_grad_()
        self.train(self.training)

    def trained_groups(self) -> list[TrainedGroup]:
        """Return the visual encoder, and what is new, as far as the present phase trains them."""
        parts, visual = self._trained_parts(), self.towers.visual
        groups = [
            TrainedGroup(name="visual", parts=tuple(p for p in parts if p is visual)),
            TrainedGroup(name="new", parts=tuple(p for p in parts if p is not visual), is_new=True),
        ]
        return [group for group in groups if group.parts]

    def _trained_parts(self) -> list[nn.Module | nn.Parameter]:
        """Return what the present phase trains, given the losses that are on."""
        if self.phase == 2:
            return [self.destylization, *self._heads("L2_ReID", "content_head")]
        parts: list[nn.Module | nn.Parameter] = [self.towers.visual]
        parts += self._heads("L1_ReID", "final_head", "projected_head")
        words = self.strategy if "L1_SupCon" in self.losses.names else "generic"
        if words == "style-content":
            parts += [self.style_aggregation, self.style_inversion]
        if words != "generic" or "L_Tri-txt" in self.losses.names:
            parts += [self.content_inversion]
        if self.log_inverse_temperature is not None and "L1_SupCon" in self.losses.names:
            parts += [self.log_inverse_temperature]
        return parts

    def _heads(self, loss: str, *names: str) -> list[nn.Module]:
        if loss not in self.losses.names or not self.num_classes:
            return []
        return [self.get_submodule(name) for name in names]

    @override
    def train(self, mode: bool = True) -> Self:
        """Set the mode; frozen parts stay in evaluation: their batch statistics must not move."""
        super().train(mode=False)
        self.training = mode
        for part in self._trained_parts():
            if isinstance(part, nn.Module):
                part.train(mode)
        return self

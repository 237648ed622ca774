"""The gate: which cells of a canvas show one whole person, as asked, and the same one everywhere.

Three groups of rules, each of which can be off: the mask and the skeleton (``quality``), a detector
of poses that looks at the picture (``seen_pose``), and the likeness of each cell to the median of
all (``signatures``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from yacs.config import CfgNode

from ..posing.skeletons import Pose
from . import quality
from .quality import QualityLimits
from .signatures import Appearance, color_signature, median_signature, same_clothes

if TYPE_CHECKING:
    from .embedding import Embedder

ANOTHER_PERSON = "another person"


@dataclass(frozen=True, kw_only=True)
class LikenessRules:
    """What is asked of the likeness of cells and of identities.

    Attributes:
        min_same_person: smallest similarity of a cell to the identity's median, 0..1; 0 turns the
            check off.
        twins: what becomes of an identity that looks like an earlier one: "ignore" (nobody looks),
            "reject" or "keep" (accepted, and listed in ``dataset.json``).
        twin_similarity: similarity from which two identities are twins, 0..1.
        embedder: ONNX file that describes people; empty for histograms of color.
        provider: of onnxruntime: "auto", "cuda" or "cpu".
    """

    min_same_person: float
    twins: str
    twin_similarity: float
    embedder: str
    provider: str

    @classmethod
    def from_config(cls, cfg: CfgNode) -> LikenessRules:
        """Read the rules from the settings."""
        return cls(
            min_same_person=cfg.QUALITY.MIN_SAME_PERSON,
            twins=cfg.QUALITY.TWINS,
            twin_similarity=cfg.QUALITY.TWIN_SIMILARITY,
            embedder=cfg.QUALITY.EMBEDDER,
            provider=cfg.MATTING.PROVIDER,
        )

    @property
    def in_use(self) -> bool:
        """Whether any rule needs to know what people look like."""
        return self.min_same_person > 0 or self.twins != "ignore"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gate says of one canvas.

    Attributes:
        rejected: cell -> why it is not used.
        appearance: what the good cells show; None if nobody asks, or there are none.
    """

    rejected: dict[int, str]
    appearance: Appearance | None


class Gate:
    """Judges canvases; built once in each process.

    Args:
        limits: what a cell must reach.
        likeness: what is asked of the likeness of cells.
        poses: one skeleton per cell.

    Raises:
        UserError: a package or model that a rule needs cannot be used.
    """

    def __init__(
        self, limits: QualityLimits, likeness: LikenessRules, poses: Sequence[Pose]
    ) -> None:
        self._limits = limits
        self._likeness = likeness
        self._poses = poses
        self._embedder: Embedder | None = None
        if likeness.in_use and likeness.embedder:
            from .embedding import Embedder

            self._embedder = Embedder(likeness.embedder, likeness.provider)

    def judge(self, people: Sequence[np.ndarray], alphas: Sequence[np.ndarray]) -> Verdict:
        """Judge the cells of one canvas, as drawn and before they are lit.

        Args:
            people: (h, w, 3) uint8 each, in cell order.
            alphas: (h, w) uint8 each, 0 = background, 255 = person.
        """
        rejected: dict[int, str] = {}
        for cell, alpha in enumerate(alphas):
            reason = self._check(alpha, self._poses[cell])
            if reason is not None:
                rejected[cell] = reason
        good = [cell for cell in range(len(alphas)) if cell not in rejected]
        if not (good and self._likeness.in_use):
            return Verdict(rejected=rejected, appearance=None)
        signatures = self._describe(people, alphas, good)
        close = same_clothes(signatures, median_signature(list(signatures)))
        same = close >= self._likeness.min_same_person
        if not self._likeness.min_same_person:
            same[:] = True
        rejected |= {
            cell: ANOTHER_PERSON for cell, is_same in zip(good, same, strict=True) if not is_same
        }
        appearance = Appearance.of(list(signatures[same])) if same.any() else None
        return Verdict(rejected=rejected, appearance=appearance)

    def _check(self, alpha: np.ndarray, pose: Pose) -> str | None:
        limits = self._limits
        return (
            quality.check(alpha, limits)
            or quality.check_width(alpha, pose, limits)
            or quality.check_pose(alpha, pose, limits)
        )

    def _describe(
        self, people: Sequence[np.ndarray], alphas: Sequence[np.ndarray], cells: Sequence[int]
    ) -> np.ndarray:
        """(N, R, D) float32: the signatures of some cells."""
        if self._embedder is not None:
            chosen = [people[cell] for cell in cells], [alphas[cell] for cell in cells]
            return self._embedder.signatures(*chosen)
        return np.stack(
            [color_signature(people[cell], alphas[cell], self._poses[cell]) for cell in cells]
        )

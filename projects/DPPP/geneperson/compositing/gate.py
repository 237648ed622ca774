"""The gate: which cells of a canvas show one whole person, as asked, and the same one everywhere.

Three groups of rules, each of which can be off: the mask and the skeleton (``quality``), a detector
of poses that looks at the picture (``seen_pose``), and the likeness of each cell to the median of
all (``signatures``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from yacs.config import CfgNode

from ..errors import UserError
from ..posing.skeletons import Pose
from . import quality
from .quality import QualityLimits
from .seen_pose import check_seen
from .signatures import Appearance, color_signature, median_signature, same_clothes

if TYPE_CHECKING:
    from ..posing.detector import PoseDetector
    from .embedding import Embedder

EMBEDDER, POSE_DETECTOR = "QUALITY.EMBEDDER", "QUALITY.POSE_DETECTOR"
ANOTHER_PERSON = "another person"


@dataclass(frozen=True, kw_only=True)
class PictureRules:
    """What is asked of the pictures, and of the likeness of cells and of identities.

    Attributes:
        min_same_person: smallest similarity of a cell to the identity's median, 0..1; 0 turns the
            check off.
        twins: what becomes of an identity that looks like an earlier one: "ignore" (nobody looks),
            "reject" or "keep" (accepted, and listed in ``dataset.json``).
        twin_similarity: similarity from which two identities are twins, 0..1.
        embedder: ONNX file that describes people; empty for histograms of color.
        pose_detector: ONNX file that finds joints; empty if nobody looks for them.
    """

    min_same_person: float
    twins: str
    twin_similarity: float
    embedder: str
    pose_detector: str

    @classmethod
    def from_config(cls, cfg: CfgNode) -> PictureRules:
        """Read the rules from the settings.

        Raises:
            UserError: a file is missing.
        """
        embedder, detector = cfg.QUALITY.EMBEDDER, cfg.QUALITY.POSE_DETECTOR
        for key, file, hint in (
            (EMBEDDER, embedder, "export one with tools/export.py"),
            (POSE_DETECTOR, detector, "give an .onnx file of RTMO"),
        ):
            if file and not Path(file).expanduser().is_file():
                raise UserError(f"{key} is {file!r}: no such file; {hint}")
        return cls(
            min_same_person=cfg.QUALITY.MIN_SAME_PERSON,
            twins=cfg.QUALITY.TWINS,
            twin_similarity=cfg.QUALITY.TWIN_SIMILARITY,
            embedder=embedder,
            pose_detector=detector,
        )

    @property
    def needs_likeness(self) -> bool:
        """Whether any rule needs to know what people look like."""
        return self.min_same_person > 0 or self.twins != "ignore"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gate says of one canvas.

    Attributes:
        rejected: position of a cell in what was judged -> why it is not used.
        appearance: what the good cells show; None if nobody asks, or there are none.
    """

    rejected: dict[int, str]
    appearance: Appearance | None


class Gate:
    """Judges canvases, on the CPU; built once in each process that does so.

    Args:
        limits: what a cell must reach.
        picture: what is asked of the pictures.
        poses: one skeleton per cell.

    Attributes:
        detector: finds joints; None if nobody looks for them.

    Raises:
        UserError: a package or model that a rule needs cannot be used.
    """

    def __init__(self, limits: QualityLimits, picture: PictureRules, poses: Sequence[Pose]) -> None:
        self._limits = limits
        self._picture = picture
        self._poses = poses
        self._embedder: Embedder | None = None
        if picture.needs_likeness and picture.embedder:
            from .embedding import Embedder

            self._embedder = Embedder(picture.embedder)
        self.detector: PoseDetector | None = None
        if picture.pose_detector:
            from ..posing.detector import PoseDetector

            self.detector = PoseDetector(picture.pose_detector, POSE_DETECTOR)

    def judge(
        self,
        people: Sequence[np.ndarray],
        alphas: Sequence[np.ndarray],
        cells: Sequence[int] | None = None,
    ) -> Verdict:
        """Judge cells of one canvas, as drawn and before they are lit.

        Args:
            people: (h, w, 3) uint8 each, in cell order.
            alphas: (h, w) uint8 each, 0 = background, 255 = person.
            cells: their numbers on the canvas; None for all of its cells.

        Returns:
            The verdict, by position in what was given.
        """
        poses = self._poses if cells is None else [self._poses[cell] for cell in cells]
        rejected: dict[int, str] = {}
        for cell, alpha in enumerate(alphas):
            reason = self._check(people[cell], alpha, poses[cell])
            if reason is not None:
                rejected[cell] = reason
        good = [cell for cell in range(len(alphas)) if cell not in rejected]
        if not (good and self._picture.needs_likeness):
            return Verdict(rejected=rejected, appearance=None)
        signatures = self._describe(
            [people[cell] for cell in good],
            [alphas[cell] for cell in good],
            [poses[cell] for cell in good],
        )
        close = same_clothes(signatures, median_signature(signatures))
        same = close >= self._picture.min_same_person
        if not self._picture.min_same_person:
            same[:] = True
        rejected |= {
            cell: ANOTHER_PERSON for cell, is_same in zip(good, same, strict=True) if not is_same
        }
        appearance = Appearance.of(signatures[same]) if same.any() else None
        return Verdict(rejected=rejected, appearance=appearance)

    def _check(self, person: np.ndarray, alpha: np.ndarray, pose: Pose) -> str | None:
        limits = self._limits
        reason = (
            quality.check(alpha, limits)
            or quality.check_width(alpha, pose, limits)
            or quality.check_pose(alpha, pose, limits)
        )
        if reason is None and self.detector is not None:  # the slow one comes last
            reason = check_seen(self.detector.people(person), pose)
        return reason

    def _describe(
        self, people: Sequence[np.ndarray], alphas: Sequence[np.ndarray], poses: Sequence[Pose]
    ) -> np.ndarray:
        """(N, R, D) float32: the signatures of some cells."""
        if self._embedder is not None:
            return self._embedder.signatures(people, alphas)
        return np.stack(
            [color_signature(*cell) for cell in zip(people, alphas, poses, strict=True)]
        )

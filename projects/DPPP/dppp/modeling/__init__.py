"""The models of stage 2: CLIP's towers, pseudo-word networks, de-stylization projector."""

from .clip import CLIPTowers, build_clip
from .clip_backbone import CLIPBackbone, build_clip_backbone
from .clip_dppp import CLIPDPPP
from .destylization import DestylizationProjector
from .interface import PhasePlan, ReIDModel, TrainedGroup
from .pseudo_words import (
    ContentInversion,
    GlobalFeatureLocalFilter,
    StyleAggregation,
    StyleInversion,
)

__all__ = [
    "CLIPDPPP",
    "CLIPBackbone",
    "CLIPTowers",
    "ContentInversion",
    "DestylizationProjector",
    "GlobalFeatureLocalFilter",
    "PhasePlan",
    "ReIDModel",
    "StyleAggregation",
    "StyleInversion",
    "TrainedGroup",
    "build_clip",
    "build_clip_backbone",
]

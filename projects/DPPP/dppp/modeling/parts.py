"""The parts of a ``CLIPDPPP`` that a config asks for."""

from typing import Any

from fastreid.config import CfgNode

from ..losses import LossSettings
from .checks import active_phases, check_dppp_config
from .clip import build_clip
from .patches import patch_stride
from .prompts import Prompt
from .prototype_memory import PrototypeMemory
from .pseudo_words import (
    ContentInversion,
    GlobalFeatureLocalFilter,
    StyleAggregation,
    StyleInversion,
)


def build_parts(cfg: CfgNode) -> dict[str, Any]:
    """Return the arguments of ``CLIPDPPP``.

    Raises:
        UserError: a value of MODEL.DPPP cannot be used.
    """
    check_dppp_config(cfg)
    dppp = cfg.MODEL.DPPP
    # A checkpoint brings all that evaluation needs; training needs the text tower too.
    brought = cfg.MODEL.WEIGHTS and not cfg.MODEL.HEADS.NUM_CLASSES
    pretrained = "" if brought else dppp.CLIP_PRETRAINED
    size = tuple(cfg.INPUT.SIZE_TRAIN)
    towers = build_clip(dppp.CLIP_NAME, pretrained, size, patch_stride(cfg))
    d1, d2, dt = towers.feature_dim, towers.patch_dim, towers.token_dim
    k = dppp.NUM_STYLE_WORDS
    texts = dppp.PROMPTS
    return {
        "towers": towers,
        "content_inversion": ContentInversion(d1, dt, dppp.CONTENT_HIDDEN),
        "style_aggregation": StyleAggregation(
            dppp.NUM_STYLE_TOKENS,
            d2,
            d1,
            dppp.STYLE_LAYERS,
            dppp.STYLE_HEADS,
            token_norm=dppp.STYLE_TOKEN_NORM,
        ),
        "local_filter": GlobalFeatureLocalFilter(k),
        "style_inversion": StyleInversion(d1, dt, dppp.STYLE_HIDDEN),
        "prompts": {
            "style-content": Prompt(texts.STYLE_CONTENT, k, towers),
            "content": Prompt(texts.CONTENT, k, towers),
            "generic": Prompt(texts.GENERIC, k, towers),
        },
        "strategy": texts.STRATEGY,
        "num_classes": cfg.MODEL.HEADS.NUM_CLASSES,
        "losses": LossSettings.from_config(cfg),
        "prototype_memory": PrototypeMemory.from_config(cfg, d1),
        "temperature": dppp.TEMPERATURE,
        "learnable_temperature": dppp.TEMPERATURE_LEARNABLE,
        "residual": dppp.DESTYLIZATION_RESIDUAL,
        "detach_inversion_input": dppp.DETACH_INVERSION_INPUT,
        "pixel_mean": cfg.MODEL.PIXEL_MEAN,
        "pixel_std": cfg.MODEL.PIXEL_STD,
        "instance_norm": cfg.INPUT.INSTANCE_NORM,
        "phase": active_phases(cfg)[-1],
    }

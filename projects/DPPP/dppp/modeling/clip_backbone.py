"""CLIP's visual tower as a FastReID backbone, under FastReID's own heads and losses.

| symbol | shape   | meaning |
| ------ | ------- | ------- |
| B      |         | images |
| d2     | 768     | width of the visual encoder |
| d1     | 512     | joint image-text width |
| v_g    | (B, d1) | class token after the final projection |
"""

from fastreid.config import CfgNode
from fastreid.modeling.backbones import BACKBONE_REGISTRY
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from ..errors import UserError
from .checks import size_problems
from .clip import build_clip
from .patches import patch_stride
from .visual_tower import encode_image


class CLIPBackbone(nn.Module):
    """One feature per image, in the shape that FastReID's heads take. No text tower.

    Args:
        visual: open_clip's visual Transformer with a class token, as in ``CLIPTowers.visual``.
        feat_dim: d1 for v_g; d2 for the class token before the projection, which is then dropped.

    Raises:
        UserError: ``feat_dim`` is neither.
    """

    visual: VisionTransformer

    def __init__(self, visual: VisionTransformer, feat_dim: int) -> None:
        super().__init__()
        d1, d2 = visual.output_dim, visual.transformer.width
        if feat_dim not in (d1, d2):
            raise UserError(
                f"MODEL.BACKBONE.FEAT_DIM is {feat_dim}; this CLIP gives {d1} (after its "
                f"projection) or {d2} (before it)"
            )
        self.visual = visual
        if feat_dim != d1:
            visual.proj = None

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalized pixels (B, 3, H, W) -> features (B, feat_dim, 1, 1) of any length."""
        return encode_image(self.visual, pixels).projected[:, :, None, None]


@BACKBONE_REGISTRY.register()
def build_clip_backbone(cfg: CfgNode) -> CLIPBackbone:
    """Build the visual tower of MODEL.DPPP.CLIP_NAME for MODEL.BACKBONE.FEAT_DIM.

    FEAT_DIM is 512 or 768 for ViT-B/16. The weights are MODEL.BACKBONE.PRETRAIN_PATH or else
    MODEL.DPPP.CLIP_PRETRAINED; random if MODEL.BACKBONE.PRETRAIN is off or MODEL.WEIGHTS brings
    them all. Patches overlap if MODEL.BACKBONE.STRIDE_SIZE is smaller than they are.

    Raises:
        UserError: two input sizes, or what ``build_clip`` and ``CLIPBackbone`` refuse.
    """
    backbone, dppp = cfg.MODEL.BACKBONE, cfg.MODEL.DPPP
    if problems := size_problems(cfg):
        raise UserError(problems[0])
    pretrained = backbone.PRETRAIN_PATH or dppp.CLIP_PRETRAINED
    if not backbone.PRETRAIN or cfg.MODEL.WEIGHTS:
        pretrained = ""
    size = tuple(cfg.INPUT.SIZE_TRAIN)
    towers = build_clip(dppp.CLIP_NAME, pretrained, size, patch_stride(cfg))
    return CLIPBackbone(towers.visual, backbone.FEAT_DIM)

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
from torch import Tensor, nn

from ..errors import UserError
from .clip import build_clip


class CLIPBackbone(nn.Module):
    """One feature an image, in the shape that FastReID's heads take. No text tower.

    Args:
        visual: open_clip's visual Transformer with a class token, as in ``CLIPTowers.visual``.
        feat_dim: d1 for v_g; d2 for the class token before the projection, which is then dropped.

    Raises:
        UserError: ``feat_dim`` is neither.
    """

    def __init__(self, visual: nn.Module, feat_dim: int) -> None:
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
        """Normalised pixels (B, 3, H, W) -> (B, feat_dim, 1, 1), not normalised to a length."""
        if tuple(pixels.shape[-2:]) != tuple(self.visual.image_size):
            raise UserError(
                f"images of {tuple(pixels.shape[-2:])} pixels (height, width) meet a CLIP built "
                f"for {tuple(self.visual.image_size)}; set INPUT.SIZE_TRAIN to what the model gets"
            )
        return self.visual(pixels)[:, :, None, None]


@BACKBONE_REGISTRY.register()
def build_clip_backbone(cfg: CfgNode) -> CLIPBackbone:
    """The visual tower of MODEL.DPPP.CLIP_NAME for MODEL.BACKBONE.FEAT_DIM, 512 or 768 of ViT-B/16.

    Its weights are MODEL.BACKBONE.PRETRAIN_PATH or else MODEL.DPPP.CLIP_PRETRAINED; random where
    MODEL.BACKBONE.PRETRAIN is off, or MODEL.WEIGHTS brings them all.

    Raises:
        UserError: two input sizes, or what ``build_clip`` and ``CLIPBackbone`` refuse.
    """
    backbone, dppp = cfg.MODEL.BACKBONE, cfg.MODEL.DPPP
    if list(cfg.INPUT.SIZE_TRAIN) != list(cfg.INPUT.SIZE_TEST):
        raise UserError(
            "INPUT.SIZE_TRAIN and INPUT.SIZE_TEST differ; CLIP's positions fit one size"
        )
    pretrained = backbone.PRETRAIN_PATH or dppp.CLIP_PRETRAINED
    if not backbone.PRETRAIN or cfg.MODEL.WEIGHTS:
        pretrained = ""
    towers = build_clip(dppp.CLIP_NAME, pretrained, tuple(cfg.INPUT.SIZE_TRAIN))
    return CLIPBackbone(towers.visual, backbone.FEAT_DIM)

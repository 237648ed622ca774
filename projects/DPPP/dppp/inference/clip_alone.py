"""A CLIP as it was published: pictures and sentences in one space, no training of ours on top."""

import torch
from fastreid.config import CfgNode, get_cfg
from torch import Tensor, nn

from ..config import add_dppp_config
from ..modeling.clip import CLIPTowers, build_clip, native_size

# CLIP's own mean and standard deviation, x 255.
_MEAN, _STD = [122.7709, 116.7460, 104.0937], [68.5005, 66.6322, 70.3232]
_PEDESTRIAN_SIZE = (256, 128)  # for models that were trained on squares


class CLIPAlone(nn.Module):
    """Pixels (B, 3, H, W), 0..255 -> v_g (B, d1), with the interface of a meta-architecture."""

    def __init__(self, towers: CLIPTowers) -> None:
        super().__init__()
        self.towers = towers
        for name, values in (("pixel_mean", _MEAN), ("pixel_std", _STD)):
            self.register_buffer(name, Tensor(values).view(1, 3, 1, 1), persistent=False)

    @property
    def device(self) -> torch.device:
        return self.pixel_mean.device

    def forward(self, images: Tensor) -> Tensor:
        pixels = (images - self.pixel_mean) / self.pixel_std
        return self.towers.encode_image(pixels).projected


def build_clip_alone(name: str, pretrained: str, device: str) -> tuple[CLIPAlone, CfgNode]:
    """The network and the config that says how pictures are brought to its size.

    Raises:
        UserError: as ``build_clip``.
    """
    height, width = native_size(name)
    size = _PEDESTRIAN_SIZE if height == width else (height, width)
    towers = build_clip(name, pretrained, size)
    cfg = get_cfg()
    add_dppp_config(cfg)
    cfg.MODEL.META_ARCHITECTURE, cfg.MODEL.DEVICE = f"CLIP {name}", device
    cfg.INPUT.SIZE_TEST = list(size)
    return CLIPAlone(towers).to(device), cfg

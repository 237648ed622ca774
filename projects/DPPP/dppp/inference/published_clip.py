"""A CLIP as it was published: pictures and sentences in one space, no training of ours on top."""

from collections.abc import Sequence

import open_clip
import torch
from fastreid.config import CfgNode, get_cfg
from torch import Tensor, nn

from ..defaults import add_dppp_config
from ..errors import UserError
from ..modeling.clip import CLIPTowers, build_clip, native_size

# OpenAI's mean and standard deviation, x 255; the package's own weights were trained with them too.
_MEAN, _STD = (122.7709, 116.7460, 104.0937), (68.5005, 66.6322, 70.3232)
_PEDESTRIAN_SIZE = (256, 128)  # for models that were trained on squares


class CLIPAlone(nn.Module):
    """Pixels (B, 3, H, W), 0..255 -> v_g (B, d1), with the interface of a meta-architecture."""

    def __init__(self, towers: CLIPTowers, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.towers = towers
        for name, values in (("pixel_mean", mean), ("pixel_std", std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    @property
    def device(self) -> torch.device:
        return self.pixel_mean.device

    def forward(self, images: Tensor) -> Tensor:
        pixels = (images - self.pixel_mean) / self.pixel_std
        return self.towers.encode_image(pixels).projected


def build_clip_alone(name: str, pretrained: str, device: str) -> tuple[CLIPAlone, CfgNode]:
    """The network and the config that says how pictures are brought to its size.

    Raises:
        UserError: no weights are named, or as ``build_clip``.
    """
    if not pretrained:
        raise UserError(f"{name}: has no weights; name them, such as ViT-B-16-quickgelu:openai")
    height, width = native_size(name)
    size = _PEDESTRIAN_SIZE if height == width else (height, width)
    towers = build_clip(name, pretrained, size)
    cfg = get_cfg()
    add_dppp_config(cfg)
    cfg.MODEL.META_ARCHITECTURE, cfg.MODEL.DEVICE = f"CLIP {name}", device
    cfg.INPUT.SIZE_TEST = list(size)
    published = open_clip.get_pretrained_cfg(name, pretrained)
    mean, std = _MEAN, _STD
    if published:
        mean, std = ([255 * value for value in published[key]] for key in ("mean", "std"))
    return CLIPAlone(towers, mean, std).to(device), cfg

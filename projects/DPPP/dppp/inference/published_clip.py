"""A CLIP as it was published: images and sentences in one space, without training of ours."""

import open_clip
from fastreid.config import CfgNode, get_cfg

from ..defaults import add_dppp_config
from ..errors import UserError
from ..modeling.clip import build_clip, native_size
from ..modeling.clip_alone import CLIPAlone

# OpenAI's mean and standard deviation, x 255; the package's own weights were trained with them too.
_MEAN, _STD = [122.7709, 116.7460, 104.0937], [68.5005, 66.6322, 70.3232]
_PEDESTRIAN_SIZE = (256, 128)  # for models that were trained on squares


def build_published_clip(name: str, pretrained: str, device: str) -> tuple[CLIPAlone, CfgNode]:
    """Build the network and the config that says how images are brought to its size.

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

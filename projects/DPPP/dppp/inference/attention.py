"""Where CLIP looks: attention roll-out (Abnar and Zuidema, ACL 2020) over the patch grid.

| letter | meaning |
| ------ | ------- |
| B      | images |
| L      | tokens: the class token and m patches |
| A_l    | attention of block l, mean of its heads (B, L, L); rows sum to 1 |

Each token also keeps what it has (the residual), so a block mixes tokens by (A_l + I) / 2, and all
blocks by the product; its class row tells how much of each patch reached the feature.
"""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import UserError
from ..modeling.clip_dppp import CLIPDPPP
from .embedder import Embedder

_OPACITY = 0.55


@torch.no_grad()
def roll_out(network: CLIPDPPP, images: Tensor) -> Tensor:
    """Shares (B, grid height, grid width) of the patches in the class token; 0..1.

    Args:
        images: (B, 3, H, W), 0..255, on the network's device.
    """
    visual = network.towers.visual
    tokens = visual._embeds((images - network.pixel_mean) / network.pixel_std)
    rolled = torch.eye(tokens.shape[1], device=tokens.device).expand(len(tokens), -1, -1)
    for block in visual.transformer.resblocks:
        normed = block.ln_1(tokens)
        attention = block.attn(normed, normed, normed, need_weights=True)[1]
        rolled = (attention @ rolled + rolled) / 2
        tokens = block(tokens)
    return rolled[:, 0, 1:].unflatten(1, tuple(visual.grid_size))


def overlay_attention(embedder: Embedder, images: Sequence[Image.Image]) -> list[Image.Image]:
    """Each picture with its roll-out over it, dark for its least patch, bright for its greatest.

    Raises:
        UserError: the model is no CLIP.
    """
    network = embedder.model.network
    if not isinstance(network, CLIPDPPP):
        raise UserError(
            f"--attention: {embedder.name} has no class token to follow; use a CLIPDPPP"
        )
    pixels = torch.stack([embedder.preprocess(image) for image in images])
    maps = roll_out(network, pixels.to(embedder.device)).cpu().numpy()
    return [_blend(image, shares) for image, shares in zip(images, maps, strict=True)]


def _blend(image: Image.Image, shares: np.ndarray) -> Image.Image:
    from matplotlib import colormaps

    span = np.ptp(shares)
    heat = (shares - shares.min()) / (span if span else 1)
    colours = Image.fromarray((colormaps["inferno"](heat)[..., :3] * 255).astype(np.uint8))
    return Image.blend(image, colours.resize(image.size, Image.Resampling.BICUBIC), _OPACITY)

"""Images with a model's attention drawn over them."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from ..errors import UserError
from .embedder import Embedder

_OPACITY = 0.55


def overlay_attention(embedder: Embedder, images: Sequence[Image.Image]) -> list[Image.Image]:
    """Return each image under its attention map, dark for its lowest patch, bright for its highest.

    Raises:
        UserError: the model has no attention to show.
    """
    pixels = torch.stack([embedder.preprocess(image) for image in images])
    maps = embedder.network.attention_maps(pixels.to(embedder.device))
    if maps is None:
        raise UserError(
            f"--attention: {embedder.name} has no class token to follow; use a model built on CLIP"
        )
    shares = maps.cpu().numpy()
    return [_blend(image, share) for image, share in zip(images, shares, strict=True)]


def _blend(image: Image.Image, shares: np.ndarray) -> Image.Image:
    from matplotlib import colormaps

    span = np.ptp(shares)
    heat = (shares - shares.min()) / (span if span else 1)
    colors = Image.fromarray((colormaps["inferno"](heat)[..., :3] * 255).astype(np.uint8))
    return Image.blend(image, colors.resize(image.size, Image.Resampling.BICUBIC), _OPACITY)

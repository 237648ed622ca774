"""CLIP's visual encoder, opened where the paper takes its features.

| symbol | shape      | meaning |
| ------ | ---------- | ------- |
| B      |            | images |
| m      |            | image patches: 16 x 8 at 256 x 128 pixels and patch size 16 |
| d1     | 512        | joint image-text width |
| d2     | 768        | width of the visual encoder |
| v_g    | (B, d1)    | class token after the final projection |
| V      | (B, m, d2) | patch tokens after the penultimate block |

(Widths are ViT-B/16's; other models bring their own.)
"""

from typing import NamedTuple

from open_clip.transformer import VisionTransformer
from torch import Tensor

from ..errors import UserError
from .blocks import run_block


class ImageFeatures(NamedTuple):
    """The features that the paper takes from one pass through the visual encoder."""

    penultimate_class: Tensor  # (B, d2) class token after the penultimate block
    final_class: Tensor  # (B, d2) class token after the last block and its LayerNorm
    projected: Tensor  # (B, d1) v_g; the final class token if there is no projection
    patches: Tensor  # (B, m, d2) V


def encode_image(visual: VisionTransformer, pixels: Tensor) -> ImageFeatures:
    """Run the visual encoder once; of the last block, only the class token is computed.

    Args:
        visual: open_clip's, with a class token.
        pixels: (B, 3, H, W), already normalized.

    Raises:
        UserError: (H, W) is not the size the encoder was built for.
    """
    require_size(pixels, visual)
    *early, last = visual.transformer.resblocks
    tokens = visual._embeds(pixels)
    for block in early:
        tokens = run_block(block, tokens)
    final_class = visual.ln_post(run_block(last, tokens, rows=tokens[:, :1])[:, 0])
    projected = final_class if visual.proj is None else final_class @ visual.proj
    return ImageFeatures(tokens[:, 0], final_class, projected, tokens[:, 1:])


def require_size(pixels: Tensor, visual: VisionTransformer) -> None:
    """Raise a UserError unless images (B, 3, H, W) have the size a visual encoder was built for."""
    size, expected = tuple(pixels.shape[-2:]), tuple(visual.image_size)
    if size != expected:
        raise UserError(
            f"the images have {size} pixels (height, width), but this CLIP was built for "
            f"{expected}; set INPUT.SIZE_TRAIN and INPUT.SIZE_TEST to the size of the images"
        )

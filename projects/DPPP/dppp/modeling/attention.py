"""Where CLIP looks: attention roll-out (Abnar and Zuidema, ACL 2020) over the patch grid.

| letter | meaning |
| ------ | ------- |
| B      | images |
| L      | tokens: the class token and m patches |
| A_l    | attention of block l, mean of its heads (B, L, L); rows sum to 1 |

Each token also keeps its own content (the residual connection), so a block mixes tokens by
(A_l + I) / 2, and all blocks by the product. The class row of the product is each patch's share
in the feature.
"""

import torch
from open_clip.transformer import VisionTransformer
from torch import Tensor


@torch.no_grad()
def roll_out(visual: VisionTransformer, pixels: Tensor) -> Tensor:
    """Return the share of each patch in the class token, (B, grid height, grid width), 0..1.

    Args:
        visual: CLIP's visual encoder.
        pixels: (B, 3, H, W), already normalized.
    """
    tokens = visual._embeds(pixels)
    rolled = torch.eye(tokens.shape[1], device=tokens.device).expand(len(tokens), -1, -1)
    for block in visual.transformer.resblocks:
        normed = block.ln_1(tokens)
        attention = block.attn(normed, normed, normed, need_weights=True)[1]
        rolled = (attention @ rolled + rolled) / 2
        tokens = block(tokens)
    return rolled[:, 0, 1:].unflatten(1, tuple(visual.grid_size))

"""The two encoders of an open_clip model while both are trained: only what a loss needs."""

import torch
from open_clip import CLIP
from torch import Tensor

from ..modeling.blocks import run_block
from ..modeling.visual_tower import encode_image


def image_features(model: CLIP, pixels: Tensor) -> Tensor:
    """Return features (B, d1) of normalized pixels (B, 3, H, W), as ``model.encode_image``."""
    return encode_image(model.visual, pixels).projected


def text_features(model: CLIP, token_ids: Tensor) -> Tensor:
    """Return features (B, d1) of token ids (B, L), as ``model.encode_text`` does.

    Positions after the longest text of the batch are left out, and of the last block only the end
    tokens are computed; attention is causal, so that the result is the same.
    """
    ends = token_ids.argmax(dim=1)  # the end token has the largest id
    length = int(ends.max()) + 1
    tokens = model.token_embedding(token_ids[:, :length]) + model.positional_embedding[:length]
    mask = model.attn_mask[:length, :length] == 0
    *early, last = model.transformer.resblocks
    for block in early:
        tokens = run_block(block, tokens, mask=mask)
    at_end = tokens[torch.arange(len(ends)), ends][:, None]
    seen = mask[ends][:, None, None]  # (B, heads, rows, tokens)
    at_end = run_block(last, tokens, rows=at_end, mask=seen)[:, 0]
    return model.ln_final(at_end) @ model.text_projection

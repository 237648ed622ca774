"""CLIP's text encoder on token embeddings, several sentences of an image in one run.

| symbol | shape   | meaning |
| ------ | ------- | ------- |
| B      |         | images |
| L      |         | text positions up to and including the end token |
| d1     | 512     | joint image-text width |
| dt     | 512     | width of a text token |
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from open_clip import CLIP
from open_clip.transformer import Transformer
from torch import Tensor, nn

from .blocks import run_block


class TextTower(nn.Module):
    """CLIP's text Transformer on embeddings that stop at the end token.

    Attention is causal, so tokens after the end token cannot change its feature.
    """

    token_embedding: nn.Embedding
    positional_embedding: nn.Parameter
    transformer: Transformer
    ln_final: nn.LayerNorm
    text_projection: nn.Parameter
    attn_mask: Tensor

    def __init__(self, model: CLIP) -> None:
        super().__init__()
        self.token_embedding = model.token_embedding
        self.positional_embedding = model.positional_embedding
        self.transformer = model.transformer
        self.ln_final = model.ln_final
        self.text_projection = model.text_projection
        self.register_buffer("attn_mask", model.attn_mask, persistent=False)

    def forward(self, sentences: Sequence[Tensor]) -> list[Tensor]:
        """Encode one or several sentences of each image.

        Args:
            sentences: embeddings without position, each (B, L, dt) with an L of its own, or
                (1, L, dt) if it is the same for all images; the last position is the end token.

        Returns:
            Features (B, d1) of each.
        """
        lengths = [sentence.shape[1] for sentence in sentences]
        positions = [self.positional_embedding[:length] for length in lengths]
        batch = max(len(sentence) for sentence in sentences)
        tokens = torch.cat([x.expand(batch, -1, -1) for x in sentences], dim=1)
        tokens = tokens + torch.cat(positions)
        # one sentence after the other in one sequence; each sees only what it has read of itself
        mask = torch.block_diag(*(self.attn_mask[:length, :length] == 0 for length in lengths))
        *early, last = self.transformer.resblocks
        for block in early:
            tokens = run_block(block, tokens, mask=mask)
        ends = [end - 1 for end in accumulate(lengths)]
        rows = torch.stack([tokens[:, end] for end in ends], dim=1)
        seen = torch.stack([mask[end] for end in ends])
        at_end = self.ln_final(run_block(last, tokens, rows=rows, mask=seen))
        return list((at_end @ self.text_projection).unbind(dim=1))

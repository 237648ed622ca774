"""Pre-norm Transformer blocks: only the rows that are used, by scaled-dot-product attention.

| letter | meaning |
| ------ | ------- |
| B      | sequences |
| L, Q   | tokens of a sequence, and those whose output is wanted |
| d      | width of a token |

The weights stay in ``nn.MultiheadAttention``, so checkpoints keep their names. Its own forward
computes every row; and with frozen weights in bf16 it expands and copies them for each sequence,
which takes four times as long on a CPU.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn


def run_block(
    block: ResidualAttentionBlock | nn.TransformerEncoderLayer,
    tokens: Tensor,
    rows: Tensor | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Run a block of open_clip or a pre-norm layer of torch without dropout, both batch first.

    Args:
        block: whose weights are used.
        tokens: (B, L, d), all of them.
        rows: those whose output is wanted (B, Q, d), as they are in ``tokens``; None for all.
        mask: (Q, L), True where a row may attend to a token; None for everywhere.

    Returns:
        Output tokens (B, Q, d).
    """
    norm_1, attention, norm_2, mlp = _parts(block)
    normed = norm_1(tokens)
    asking = normed if rows is None else norm_1(rows)
    rows = tokens if rows is None else rows
    rows = rows + _attend(attention, asking, normed, mask)
    return rows + mlp(norm_2(rows))


def _parts(
    block: ResidualAttentionBlock | nn.TransformerEncoderLayer,
) -> tuple[nn.Module, nn.MultiheadAttention, nn.Module, Callable[[Tensor], Tensor]]:
    if isinstance(block, ResidualAttentionBlock):
        return block.ln_1, block.attn, block.ln_2, block.mlp

    def mlp(normed: Tensor) -> Tensor:
        return block.linear2(block.activation(block.linear1(normed)))

    return block.norm1, block.self_attn, block.norm2, mlp


def _attend(
    attention: nn.MultiheadAttention, asking: Tensor, normed: Tensor, mask: Tensor | None
) -> Tensor:
    """Attention of ``asking`` (B, Q, d) to ``normed`` (B, L, d), with its output projection."""
    d, heads = attention.embed_dim, attention.num_heads
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    if asking is normed:
        q, k, v = F.linear(normed, weight, bias).chunk(3, dim=-1)
    else:
        q = F.linear(asking, weight[:d], bias[:d])
        k, v = F.linear(normed, weight[d:], bias[d:]).chunk(2, dim=-1)
    q, k, v = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    return attention.out_proj(_mix(q, k, v, mask).transpose(1, 2).flatten(2))


def _mix(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Return the values that (B, heads, Q, d / heads) queries attend to."""
    differentiated = torch.is_grad_enabled() and (q.requires_grad or k.requires_grad)
    if not (differentiated and q.device.type == "cpu" and q.dtype is torch.bfloat16):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    # The backward pass of torch's fused attention in bf16 takes a CPU four times as long as this.
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1) @ v

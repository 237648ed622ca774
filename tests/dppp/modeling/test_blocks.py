"""Blocks against open_clip's and torch's own forward passes: values and gradients."""

from collections.abc import Callable

import pytest
import torch
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from dppp.modeling import StyleAggregation
from dppp.modeling.blocks import run_block

D, HEADS, B, L = 32, 4, 3, 7
Block = ResidualAttentionBlock | nn.TransformerEncoderLayer


def open_clip_block() -> ResidualAttentionBlock:
    return ResidualAttentionBlock(D, HEADS)


def torch_layer() -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        D, HEADS, 4 * D, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )


def random_block(make: Callable[[], Block]) -> Block:
    """A block in float64 whose norms and biases are no longer the identity."""
    torch.manual_seed(0)
    block = make().double()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.3)
    return block


def gradients(output: Tensor, block: Block, tokens: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(output.square().sum(), (tokens, *block.parameters()))


@pytest.mark.parametrize("make", [open_clip_block, torch_layer])
@pytest.mark.parametrize("chosen", [slice(None), slice(0, 1), slice(2, 5)])
def test_rows_equal_those_of_the_whole_block(make: Callable[[], Block], chosen: slice) -> None:
    block = random_block(make)
    tokens = torch.randn(B, L, D, dtype=torch.float64, requires_grad=True)
    rows = None if chosen == slice(None) else tokens[:, chosen]
    ours, whole = run_block(block, tokens, rows=rows), block(tokens)[:, chosen]
    assert torch.allclose(ours, whole, atol=1e-12)
    pairs = zip(gradients(ours, block, tokens), gradients(whole, block, tokens), strict=True)
    for one, other in pairs:
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-9 * other.abs().max())


def test_a_mask_hides_what_open_clips_does() -> None:
    block = random_block(open_clip_block)
    tokens = torch.randn(B, L, D, dtype=torch.float64)
    seen = torch.ones(L, L, dtype=torch.bool).tril()
    hidden = torch.zeros(L, L, dtype=torch.float64).masked_fill(~seen, -torch.inf)
    whole = block(tokens, attn_mask=hidden)
    assert torch.allclose(run_block(block, tokens, mask=seen), whole, atol=1e-12)
    last = run_block(block, tokens, rows=tokens[:, 4:5], mask=seen[4:5])
    assert torch.allclose(last, whole[:, 4:5], atol=1e-12)


def test_frozen_weights_in_bf16_are_not_copied_for_each_sequence() -> None:
    """nn.MultiheadAttention expands them over the batch, and multiplies batches of matrices."""
    block = random_block(open_clip_block).float().requires_grad_(requires_grad=False)
    with torch.autocast("cpu", torch.bfloat16), profile(activities=[ProfilerActivity.CPU]) as run:
        run_block(block, torch.randn(B, L, D))
    called = {event.key for event in run.key_averages()}
    assert "aten::addmm" in called
    assert "aten::bmm" not in called


@pytest.mark.parametrize("chosen", [slice(None), slice(2, 5)])
def test_training_in_bf16_on_a_cpu_leaves_the_slow_fused_attention(chosen: slice) -> None:
    """Its gradients are those of the fused one, within bf16; without gradients it is used."""
    block = random_block(open_clip_block).float()
    tokens = torch.randn(B, L, D, requires_grad=True)
    seen = torch.ones(L, L, dtype=torch.bool).tril()[chosen]
    exact = run_block(block, tokens, rows=tokens[:, chosen], mask=seen)
    with torch.autocast("cpu", torch.bfloat16):
        with profile(activities=[ProfilerActivity.CPU]) as training:
            ours = run_block(block, tokens, rows=tokens[:, chosen], mask=seen)
        with torch.no_grad(), profile(activities=[ProfilerActivity.CPU]) as inference:
            fused = run_block(block, tokens, rows=tokens[:, chosen], mask=seen)
    assert uses_fused_attention(inference) and not uses_fused_attention(training)
    assert (ours - fused).norm() < 0.01 * fused.norm()
    pairs = zip(gradients(ours, block, tokens), gradients(exact, block, tokens), strict=True)
    for one, other in pairs:
        assert (one - other).norm() < 0.03 * other.norm()


def uses_fused_attention(run: profile) -> bool:
    return any("flash_attention" in event.key for event in run.key_averages())


def test_style_elements_equal_those_of_the_whole_transformer() -> None:
    torch.manual_seed(0)
    style = StyleAggregation(num_tokens=4, patch_dim=D, feature_dim=8, num_layers=3).double()
    patches = torch.randn(B, 6, D, dtype=torch.float64, requires_grad=True)
    ours = style(patches)
    tokens = style.tokens.expand(B, -1, -1)
    whole = style.fc(style.transformer(torch.cat([tokens, patches], dim=1))[:, :4])
    assert torch.allclose(ours, whole, atol=1e-12)
    of = (patches, *style.parameters())
    pairs = zip(
        *(torch.autograd.grad(x.square().sum(), of) for x in (ours, whole)),
        strict=True,
    )
    for one, other in pairs:
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-12)

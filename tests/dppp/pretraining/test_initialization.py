"""The start of a small CLIP's visual tower."""

import torch

from dppp.modeling.clip import create_clip
from dppp.pretraining.initialization import initialize, positions

NAME = "DPPP-Tiny-8-quickgelu"


def test_the_nearer_two_patches_the_more_alike_their_positions() -> None:
    rows, columns = 16, 8
    places = positions((rows, columns), 160).unflatten(0, (rows, columns))
    assert places.shape == (rows, columns, 160)
    middle = places[8, 4]
    for line in (places[8:, 4], places[8, 4:]):  # down, and to the right
        likeness = line @ middle
        assert (likeness.diff() < 0).all()
    assert not torch.equal(places[8, 5], places[9, 4])  # rows and columns differ


def test_a_token_asks_for_tokens_like_itself_and_loses_their_mean() -> None:
    torch.manual_seed(0)
    model = create_clip(NAME)
    untouched = {name: value.clone() for name, value in model.state_dict().items()}
    initialize(model)
    changed = {
        name for name, value in model.state_dict().items() if (value != untouched[name]).any()
    }
    assert all(
        name == "visual.positional_embedding"
        or name.endswith(("in_proj_weight", "out_proj.weight"))
        for name in changed
    )
    assert len(changed) == 1 + 2 * len(model.visual.transformer.resblocks)
    for block in model.visual.transformer.resblocks:
        attention = block.attn
        width, heads = attention.embed_dim, attention.num_heads
        query, key, value = attention.in_proj_weight.detach().chunk(3)
        for asks, answers in zip(query.chunk(heads), key.chunk(heads), strict=True):
            # the trace of a random matrix of this size is within a few tenths of 0
            assert 0.2 < (asks.T @ answers).trace() / width < 0.7
        mixed = attention.out_proj.weight.detach() @ value
        identity = -0.4 * torch.eye(width)
        assert torch.allclose(mixed.diagonal().mean(), torch.tensor(-0.4), atol=0.02)
        assert torch.allclose((mixed - identity).std() * width**0.5, torch.tensor(0.4), atol=0.02)


def test_two_seeds_start_apart_and_one_seed_alike() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        model = create_clip(NAME)
        initialize(model)
        return model.visual.transformer.resblocks[0].attn.in_proj_weight.detach()

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.allclose(drawn(1), drawn(2), atol=1e-2)

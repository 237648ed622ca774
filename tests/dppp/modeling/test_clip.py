"""The CLIP towers against open_clip's own forward passes, and what is refused."""

from pathlib import Path

import open_clip
import pytest
import torch

from dppp import UserError
from dppp.modeling import CLIPTowers, build_clip
from dppp.modeling.positions import resample_positions
from dppp.modeling.prompts import Prompt
from dppp.modeling.visual_tower import encode_image

Pair = tuple[open_clip.CLIP, CLIPTowers]

NAME = "DPPP-Tiny-8-quickgelu"
SIZE = (64, 32)
TEXT = "a photo of a person"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The same random weights as an open_clip model and as our towers."""
    build_clip(NAME, "", SIZE)  # makes our model known to open_clip
    torch.manual_seed(0)
    model = open_clip.create_model(NAME, force_image_size=SIZE).eval()
    path = tmp_path_factory.mktemp("clip") / "weights.pt"
    torch.save(model.state_dict(), path)
    return model, build_clip(NAME, str(path), SIZE).eval()


def test_image_features_equal_open_clip(pair: Pair) -> None:
    model, towers = pair
    pixels = torch.randn(2, 3, *SIZE)
    features = towers.encode_image(pixels)
    assert torch.allclose(features.projected, model.encode_image(pixels), atol=1e-5)
    assert features.patches.shape == (2, 8 * 4, 160)
    assert features.penultimate_class.shape == features.final_class.shape == (2, 160)
    blocks = model.visual.forward_intermediates(pixels, indices=[2], output_fmt="NLC")
    assert torch.allclose(features.patches, blocks["image_intermediates"][0], atol=1e-5)


def test_text_up_to_the_end_token_equals_the_full_run(pair: Pair) -> None:
    model, towers = pair
    embeddings = towers.embed(TEXT)
    assert embeddings.shape[1] == 7  # start, five words, end
    full = model.encode_text(open_clip.get_tokenizer(NAME)([TEXT]))
    assert torch.allclose(towers.encode_texts([embeddings])[0], full, atol=1e-5)


def test_text_gradient_reaches_embeddings_and_no_weight(pair: Pair) -> None:
    towers = pair[1]
    embeddings = towers.embed(TEXT).detach().requires_grad_()
    towers.encode_texts([embeddings])[0].sum().backward()
    assert embeddings.grad.abs().sum() > 0
    assert all(p.grad is None for p in towers.text.parameters())


def test_quick_gelu_is_used(pair: Pair) -> None:
    assert any(isinstance(m, open_clip.transformer.QuickGELU) for m in pair[1].modules())


def test_wrong_size_is_refused(pair: Pair) -> None:
    with pytest.raises(UserError, match=r"\(32, 64\).*\(64, 32\)"):
        pair[1].encode_image(torch.randn(1, 3, 32, 64))


@pytest.mark.parametrize(
    ("name", "pretrained", "says"),
    [
        ("ViT-B-61", "", "no model 'ViT-B-61'"),
        ("ViT-B-16", "openai", "ViT-B-16-quickgelu"),
        ("ViT-B-16-quickgelu", "/no/such/file.pt", "is neither a file"),
        ("RN50", "", "not a plain CLIP ViT"),
    ],
)
def test_refused_in_one_line(name: str, pretrained: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        build_clip(name, pretrained)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"not weights")
    with pytest.raises(UserError, match="could not be fetched or read"):
        build_clip(NAME, str(path), SIZE)


def test_prompt_puts_words_where_the_template_has_them(pair: Pair) -> None:
    towers = pair[1]
    prompt = Prompt("a {style} style of a {content} person", 3, towers)
    style, content = torch.randn(2, 3, 64), torch.randn(2, 64)
    embeddings = prompt.fill(towers.text.token_embedding, style, content)
    plain = towers.embed("a X X X style of a X person")
    assert embeddings.shape == (2, *plain.shape[1:])
    assert torch.equal(embeddings[:, 2:5], style)
    assert torch.equal(embeddings[:, 8], content)
    untouched = [0, 1, 5, 6, 7, 9, 10]
    assert torch.equal(embeddings[0, untouched], plain[0, untouched])


def test_prompt_with_content_first(pair: Pair) -> None:
    towers = pair[1]
    prompt = Prompt("a {content} person in {style}", 2, towers)
    style, content = torch.randn(1, 2, 64), torch.randn(1, 64)
    embeddings = prompt.fill(towers.text.token_embedding, style, content)
    assert torch.equal(embeddings[0, 2], content[0])
    assert torch.equal(embeddings[0, 5:7], style[0])


@pytest.mark.parametrize("template", ["a {color} person", "an X {content}", "{content} {content}"])
def test_prompt_refuses(pair: Pair, template: str) -> None:
    with pytest.raises(UserError, match=r"MODEL\.DPPP\.PROMPTS"):
        Prompt(template, 2, pair[1])


def test_a_prompt_takes_only_the_words_it_has(pair: Pair) -> None:
    towers = pair[1]
    prompt = Prompt("a photo of a {content} person", 3, towers)
    style, content = torch.randn(2, 3, 64), torch.randn(2, 64)
    embeddings = prompt.fill(towers.text.token_embedding, style, content)
    assert torch.equal(embeddings, prompt.fill(towers.text.token_embedding, None, content))


def test_sentences_in_one_run_equal_each_alone(pair: Pair) -> None:
    """Features and gradients; the second sentence is the same for all images."""
    towers = pair[1]
    long = torch.randn(3, 9, 64, requires_grad=True)
    shared = torch.randn(1, 5, 64, requires_grad=True)
    together = towers.encode_texts([long, shared])
    apart = [towers.encode_texts([sentence])[0] for sentence in (long, shared)]
    assert torch.allclose(together[0], apart[0], atol=1e-5)
    assert torch.allclose(together[1], apart[1].expand(3, -1), atol=1e-5)
    grads = [
        torch.autograd.grad(sum(x.square().sum() for x in texts), (long, shared))
        for texts in (together, [apart[0], apart[1].expand(3, -1)])
    ]
    for one, other in zip(*grads, strict=True):
        assert torch.allclose(one, other, atol=1e-4 * other.abs().max())


def test_image_gradient_equals_open_clip(pair: Pair) -> None:
    """Of every weight of the visual encoder, though ours leaves most of the last block out."""
    model, towers = pair
    pixels = torch.randn(2, 3, *SIZE)
    model.encode_image(pixels).square().sum().backward()
    towers.requires_grad_().encode_image(pixels).projected.square().sum().backward()
    ours = dict(towers.visual.named_parameters())
    for name, parameter in model.visual.named_parameters():
        scale = parameter.grad.abs().max()
        assert torch.allclose(ours[name].grad, parameter.grad, atol=1e-5 * scale), name
    towers.zero_grad()
    towers.text.requires_grad_(requires_grad=False)


def test_text_gradient_equals_the_full_run(pair: Pair) -> None:
    """All 77 positions by open_clip's own parts, against ours up to the end token."""
    model, towers = pair
    ids = open_clip.get_tokenizer(NAME)([TEXT])
    full = model.token_embedding(ids).detach().requires_grad_()
    tokens = model.transformer(full + model.positional_embedding, attn_mask=model.attn_mask)
    (model.ln_final(tokens)[0, 6] @ model.text_projection).square().sum().backward()
    short = full.detach()[:, :7].requires_grad_()
    towers.encode_texts([short])[0].square().sum().backward()
    scale = full.grad.abs().max()
    assert torch.allclose(short.grad / scale, full.grad[:, :7] / scale, atol=1e-5)
    assert full.grad[:, 7:].abs().max() == 0


def test_overlapping_patches_are_cut_at_their_stride_with_positions_of_their_own_grid() -> None:
    """Of 8 pixels each, at (6, 4): rows at 0, 6, ... 120, columns at 0, 4, ... 56."""
    size = (128, 64)  # what the weights were trained on
    side_by_side = build_clip(NAME, "procedural", size).visual
    visual = build_clip(NAME, "procedural", size, (6, 4)).visual
    assert tuple(visual.image_size) == size and tuple(visual.grid_size) == (21, 15)
    assert torch.equal(visual.conv1.weight, side_by_side.conv1.weight)
    positions = resample_positions(side_by_side.positional_embedding, [16, 8], [21, 15])
    assert torch.allclose(visual.positional_embedding, positions, atol=1e-5)
    pixels = torch.randn(1, 3, *size)
    patch = pixels[:, :, 3 * 6 : 3 * 6 + 8, 5 * 4 : 5 * 4 + 8]
    assert torch.allclose(
        visual.conv1(pixels)[..., 3, 5], visual.conv1(patch)[..., 0, 0], atol=1e-5
    )
    assert encode_image(visual, pixels).patches.shape == (1, 21 * 15, 160)


@pytest.mark.parametrize("stride", [(0, 4), (4, 9)])
def test_strides_that_stand_still_or_leave_gaps_are_refused(stride: tuple[int, int]) -> None:
    with pytest.raises(
        UserError, match=r"STRIDE_SIZE is .*from 1 to the size of a patch, \(8, 8\)"
    ):
        build_clip(NAME, "", SIZE, stride)

"""Weights in every format that people have, and parity with another implementation of CLIP."""

import copy
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

from dppp import UserError
from dppp.modeling import build_clip

pytestmark = pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")

NAME, PLAIN = "DPPP-Tiny-8-quickgelu", "ViT-B-32"
SIZE = (64, 32)


@pytest.fixture(scope="module")
def model() -> open_clip.CLIP:
    build_clip(NAME, "", SIZE)  # makes our model known to open_clip
    torch.manual_seed(0)
    return open_clip.create_model(NAME, force_image_size=(96, 96)).eval()


def write(model: open_clip.CLIP, path: Path) -> str:
    """The same weights in the format that the file's ending says."""
    if path.suffix == ".safetensors":
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, path)
    elif path.name == "checkpoint.pt":
        torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, path)
    elif path.name == "torchscript.pt":
        model = copy.deepcopy(model)
        for name in ("input_resolution", "context_length", "vocab_size"):
            if hasattr(model, name):
                delattr(model, name)
            model.register_buffer(name, torch.tensor(96))  # as in OpenAI's files
        example = torch.zeros(1, 3, 96, 96), torch.zeros(1, 77, dtype=torch.long)
        traced = torch.jit.trace(model, example, check_trace=False)
        traced.save(path)
    else:
        torch.save(model.state_dict(), path)
    return str(path)


@pytest.mark.parametrize(
    "file", ["state.pt", "state.safetensors", "checkpoint.pt", "torchscript.pt"]
)
def test_every_format_gives_the_same_towers(
    model: open_clip.CLIP, tmp_path: Path, file: str
) -> None:
    path = write(model, tmp_path / file)
    towers = build_clip(NAME, path, (96, 96)).eval()
    pixels = torch.randn(2, 3, 96, 96)
    assert torch.allclose(
        towers.encode_image(pixels).projected, model.encode_image(pixels), atol=1e-5
    )
    # From a square grid of 12 x 12 to the pedestrian's 8 x 4.
    assert (
        build_clip(NAME, path, SIZE).encode_image(torch.randn(1, 3, *SIZE)).patches.shape[1] == 32
    )


def test_openais_format_wants_quick_gelu(model: open_clip.CLIP, tmp_path: Path) -> None:
    path = write(model, tmp_path / "torchscript.pt")
    with pytest.raises(UserError, match="QuickGELU"):
        build_clip(PLAIN, path)


def test_weights_of_another_model_are_refused(model: open_clip.CLIP, tmp_path: Path) -> None:
    path = write(model, tmp_path / "state.pt")
    with pytest.raises(UserError, match="could not be fetched or read"):
        build_clip(PLAIN, path)


def _from_transformers(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """transformers' names of a CLIP's weights -> open_clip's."""
    renamed = {}
    for key, value in state.items():
        if key.endswith("position_ids"):
            continue
        for old, new in (
            ("vision_model.embeddings.patch_embedding.", "visual.conv1."),
            ("vision_model.embeddings.class_embedding", "visual.class_embedding"),
            ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
            ("vision_model.pre_layrnorm.", "visual.ln_pre."),
            ("vision_model.post_layernorm.", "visual.ln_post."),
            ("vision_model.encoder.layers.", "visual.transformer.resblocks."),
            ("text_model.embeddings.token_embedding.", "token_embedding."),
            ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
            ("text_model.final_layer_norm.", "ln_final."),
            ("text_model.encoder.layers.", "transformer.resblocks."),
            (".self_attn.", ".attn."),
            (".layer_norm1.", ".ln_1."),
            (".layer_norm2.", ".ln_2."),
            (".mlp.fc1.", ".mlp.c_fc."),
            (".mlp.fc2.", ".mlp.c_proj."),
        ):
            key = key.replace(old, new)
        renamed[key] = value
    renamed["visual.proj"] = renamed.pop("visual_projection.weight").T
    renamed["text_projection"] = renamed.pop("text_projection.weight").T
    for key in [k for k in renamed if ".attn.q_proj." in k]:
        parts = [renamed.pop(key.replace("q_proj", f"{p}_proj")) for p in "qkv"]
        renamed[key.replace("q_proj.", "in_proj_")] = torch.cat(parts)
    return renamed


def test_both_towers_equal_transformers(tmp_path: Path) -> None:
    """ViT-B/32's shapes at 224 x 224, the same random weights, to 1e-4."""
    torch.manual_seed(0)
    vision = {"patch_size": 32, "hidden_act": "quick_gelu"}
    text = {"hidden_act": "quick_gelu", "eos_token_id": 49407}
    theirs = CLIPModel(
        CLIPConfig(vision_config=vision, text_config=text, projection_dim=512)
    ).eval()
    torch.save(_from_transformers(theirs.state_dict()), tmp_path / "clip.pt")
    ours = build_clip("ViT-B-32-quickgelu", str(tmp_path / "clip.pt"), (224, 224)).eval()
    pixels = torch.randn(2, 3, 224, 224)
    ids = open_clip.get_tokenizer("ViT-B-32-quickgelu")(["a photo of a person"])
    with torch.no_grad():
        hidden = theirs.vision_model(pixels, output_hidden_states=True)
        image = ours.encode_image(pixels)
        expected = theirs.visual_projection(hidden.pooler_output)
        assert torch.allclose(image.projected, expected, atol=1e-4)
        assert torch.allclose(image.patches, hidden.hidden_states[-2][:, 1:], atol=1e-4)
        expected = theirs.text_projection(theirs.text_model(ids).pooler_output)
        assert torch.allclose(
            ours.encode_texts([ours.embed("a photo of a person")])[0], expected, atol=1e-4
        )


def test_the_packages_own_weights_have_a_tag_and_fit_other_sizes() -> None:
    """Trained on 16 x 8 patches: resampled from that grid, not from a square."""
    own = build_clip(NAME, "procedural", (128, 64))
    larger = build_clip(NAME, "procedural", (256, 128))
    grid = own.visual.positional_embedding[1:].reshape(16, 8, -1)
    fine = larger.visual.positional_embedding[1:].reshape(32, 16, -1)
    coarse = fine.reshape(16, 2, 8, 2, -1).mean((1, 3))
    assert torch.cosine_similarity(coarse.flatten(), grid.flatten(), dim=0) > 0.98
    assert not torch.allclose(own.visual.proj, build_clip(NAME, "", (128, 64)).visual.proj)


def test_an_unknown_tag_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'openai' is neither a file.*procedural"):
        build_clip(NAME, "openai", SIZE)

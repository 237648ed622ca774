"""The arithmetic of a canvas is computed from the settings; torch counts the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from geneperson import load
from geneperson.posing.canvas import Grid
from geneperson.synthesis.diffusion import cost
from geneperson.synthesis.diffusion.settings import DiffusionSettings
from helpers import GENEPERSON_CONFIGS

# From the published config.json of stabilityai/stable-diffusion-xl-base-1.0 and the ControlNets.
BLOCKS = {
    "in_channels": 4,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "layers_per_block": 2,
    "attention_head_dim": (5, 10, 20),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "transformer_layers_per_block": (1, 2, 10),
    "projection_class_embeddings_input_dim": 2816,
    "cross_attention_dim": 2048,
}


def read(name: str, *opts: str) -> tuple[DiffusionSettings, Grid]:
    cfg = load(GENEPERSON_CONFIGS / f"{name}.yml", opts)
    return DiffusionSettings.from_config(cfg), Grid.from_config(cfg)


def test_the_figures_of_the_docs() -> None:
    settings, grid = read("sdxl")
    assert round(cost.canvas_tflop(settings, grid)) == 911
    assert round(cost.canvas_tflop(replace(settings, edge_end=1.0), grid)) == 1057
    assert round(cost.background_tflop(settings)) == 416
    fast, grid = read("sdxl_fast")
    assert round(cost.canvas_tflop(fast, grid)) == 133
    assert round(cost.background_tflop(fast)) == 65


def test_each_part_by_hand() -> None:
    """TFLOP: a pass of the denoiser 9.261, of a ControlNet 4.061, a map 0.077, decoding 13.968."""
    settings, grid = read("sdxl")
    embedded = 2 * 0.07729 / settings.batch_size
    by_hand = 60 * 9.26086 + 60 * 4.06137 + 24 * 4.06137 + embedded + 13.96788
    assert cost.canvas_tflop(settings, grid) == pytest.approx(by_hand, rel=1e-5)
    alone = replace(settings, pose_scale=0.0, edge_scale=0.0)
    assert cost.canvas_tflop(alone, grid) == pytest.approx(60 * 9.26086 + 13.96788, rel=1e-5)
    unguided = replace(alone, guidance=1.0)
    assert cost.canvas_tflop(unguided, grid) == pytest.approx(30 * 9.26086 + 13.96788, rel=1e-5)
    both, _ = read("sdxl", "DIFFUSION.UNION_CONTROLNET", "xinsir/controlnet-union-sdxl-1.0")
    assert cost.canvas_tflop(both, grid) < cost.canvas_tflop(settings, grid), "one network, not two"


def test_memory_follows_the_settings() -> None:
    settings, grid = read("sdxl")
    usual = cost.gpu_memory_gb(settings, grid)
    assert 12 < usual < 18
    assert cost.gpu_memory_gb(replace(settings, dtype="fp32"), grid) == pytest.approx(2 * usual)
    assert cost.gpu_memory_gb(replace(settings, cpu_offload=True), grid) < usual
    assert cost.gpu_memory_gb(replace(settings, batch_size=8), grid) > usual
    assert cost.gpu_memory_gb(replace(settings, vae_slicing=False), grid) > usual
    assert cost.gpu_memory_gb(replace(settings, scale=1.5), grid) > usual


def test_downloads_of_known_models() -> None:
    settings, _ = read("sdxl_fast")
    sizes = cost.published_gb(settings)
    assert sizes.keys() == settings.sources.keys()
    assert sum(size for size in sizes.values() if size) == pytest.approx(12.5, abs=0.05)
    plain, _ = read("sdxl", "DIFFUSION.VARIANT", "", "DIFFUSION.VAE", "")
    assert cost.published_gb(plain)["DIFFUSION.BASE"] == pytest.approx(13.9, abs=0.05)
    other, _ = read("sdxl", "DIFFUSION.BASE", "someone/photos/photo.safetensors")
    assert cost.published_gb(other)["DIFFUSION.BASE"] is None


def counted(call: Callable[[], object]) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


@pytest.mark.slow
def test_torch_counts_the_same() -> None:
    """On networks of the published sizes, without weights."""
    from diffusers import (
        AutoencoderKL,
        ControlNetModel,
        ControlNetUnionModel,
        UNet2DConditionModel,
    )

    up = ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D")
    with torch.device("meta"):
        unet = UNet2DConditionModel(out_channels=4, up_block_types=up, **BLOCKS)
        control, union = ControlNetModel(**BLOCKS), ControlNetUnionModel(**BLOCKS)
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
        )
        tokens = 154
        inputs = (torch.empty(1, 4, 192, 112), torch.ones(()), torch.empty(1, tokens, 2048))
        added = {"text_embeds": torch.empty(1, 1280), "time_ids": torch.empty(1, 6)}
        picture = torch.empty(1, 3, 8 * 192, 8 * 112)
        kinds = torch.empty(1, 6)
    for network, numbers in (
        (unet, cost.UNET),
        (control, cost.CONTROLNET),
        (union, cost.UNION_CONTROLNET),
        (vae, cost.VAE_DECODER),
    ):
        assert sum(weight.numel() for weight in network.parameters()) == numbers.parameters
    values = 192 * 112
    assert counted(lambda: unet(*inputs, added_cond_kwargs=added)) == cost.UNET.flop(values, tokens)
    assert counted(lambda: vae.decode(inputs[0])) == cost.VAE_DECODER.flop(values)
    one_map = cost.MAP_EMBEDDING.flop(values)
    assert counted(lambda: control.controlnet_cond_embedding(picture)) == one_map
    call = counted(lambda: control(*inputs, controlnet_cond=picture, added_cond_kwargs=added))
    assert call - one_map == cost.CONTROLNET.flop(values, tokens)
    call = counted(
        lambda: union(
            *inputs,
            controlnet_cond=[picture, picture],
            control_type=kinds,
            control_type_idx=[0, 3],
            conditioning_scale=[1.0, 1.0],
            added_cond_kwargs=added,
        )
    )
    assert call - 2 * one_map == cost.UNION_CONTROLNET.flop(values, tokens)

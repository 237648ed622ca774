"""The small SDXL as one file with the original's keys, as most checkpoints are shared.

Diffusers only reads this layout, so the way back is here. It holds for the small networks: two
levels with one layer each.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
_UNET = {
    r"time_embedding\.linear_(\d)": lambda n: f"time_embed.{2 * n - 2}",
    r"add_embedding\.linear_(\d)": lambda n: f"label_emb.0.{2 * n - 2}",
    r"conv_in": lambda: "input_blocks.0.0",
    r"conv_norm_out": lambda: "out.0",
    r"conv_out": lambda: "out.2",
    r"down_blocks\.(\d)\.resnets\.0": lambda level: f"input_blocks.{2 * level + 1}.0",
    r"down_blocks\.(\d)\.attentions\.0": lambda level: f"input_blocks.{2 * level + 1}.1",
    r"down_blocks\.(\d)\.downsamplers\.0\.conv": lambda level: f"input_blocks.{2 * level + 2}.0.op",
    r"mid_block\.resnets\.(\d)": lambda n: f"middle_block.{2 * n}",
    r"mid_block\.attentions\.0": lambda: "middle_block.1",
    r"up_blocks\.(\d)\.resnets\.(\d)": lambda level, n: f"output_blocks.{2 * level + n}.0",
    r"up_blocks\.(\d)\.attentions\.(\d)": lambda level, n: f"output_blocks.{2 * level + n}.1",
    r"up_blocks\.(\d)\.upsamplers\.0\.conv": lambda level: f"output_blocks.{2 * level + 1}.2.conv",
}
_VAE = {
    r"(?<=coder\.)conv_norm_out": lambda: "norm_out",
    r"mid_block\.resnets\.(\d)": lambda n: f"mid.block_{n + 1}",
    r"mid_block\.attentions\.0": lambda: "mid.attn_1",
    r"down_blocks\.(\d)\.resnets": lambda level: f"down.{level}.block",
    r"down_blocks\.(\d)\.downsamplers\.0": lambda level: f"down.{level}.downsample",
    r"up_blocks\.(\d)\.resnets": lambda level: f"up.{1 - level}.block",
    r"up_blocks\.(\d)\.upsamplers\.0": lambda level: f"up.{1 - level}.upsample",
    r"conv_shortcut": lambda: "nin_shortcut",
    r"group_norm": lambda: "norm",
    r"to_([qkv])": lambda name: name,
    r"to_out\.0": lambda: "proj_out",
}
_OPEN_CLIP = {
    r"text_model\.embeddings\.position_embedding\.weight": lambda: "positional_embedding",
    r"text_model\.embeddings\.token_embedding": lambda: "token_embedding",
    r"text_model\.final_layer_norm": lambda: "ln_final",
    r"text_model\.encoder\.layers\.": lambda: "transformer.resblocks.",
    r"layer_norm(\d)": lambda n: f"ln_{n}",
    r"mlp\.fc1": lambda: "mlp.c_fc",
    r"mlp\.fc2": lambda: "mlp.c_proj",
    r"self_attn": lambda: "attn",
}


def save_single_file(path: Path, sdxl: Path) -> Path:
    """Write a folder in diffusers' format as one file."""
    unet, vae, first, second = (
        load_file(next((sdxl / part).glob("*.safetensors")))
        for part in ("unet", "vae", "text_encoder", "text_encoder_2")
    )
    whole = {f"model.diffusion_model.{_unet_key(key)}": value for key, value in unet.items()}
    for key, value in vae.items():
        is_attention = "attentions" in key and value.ndim == 2  # the original has 1 x 1 filters
        whole[f"first_stage_model.{_renamed(key, _VAE)}"] = (
            value[:, :, None, None] if is_attention else value
        )
    for key, value in first.items():
        whole[f"conditioner.embedders.0.transformer.text_model.{key}"] = value
    whole |= {f"conditioner.embedders.1.model.{k}": v for k, v in _open_clip(second).items()}
    save_file({key: value.contiguous() for key, value in whole.items()}, path)
    return path


def _unet_key(key: str) -> str:
    if ".resnets." in key:
        *place, layer, kind = key.split(".")
        key = ".".join([*place, _RESNET[layer], kind])
    return _renamed(key, {f"^{pattern}": name for pattern, name in _UNET.items()})


def _open_clip(encoder: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Its queries, keys and values are one matrix, and its projection stands on its side."""
    result = {"text_projection": encoder.pop("text_projection.weight").T}
    for key, value in encoder.items():
        new = _renamed(key, _OPEN_CLIP)
        if ".q_proj." in key:
            parts = [encoder[key.replace(".q_", f".{name}_")] for name in "qkv"]
            result[new.replace(".q_proj.", ".in_proj_")] = torch.cat(parts)
        elif not re.search(r"\.[kv]_proj\.", key):
            result[new] = value
    return result


def _renamed(key: str, names: dict) -> str:
    for pattern, name in names.items():
        key = re.sub(
            pattern,
            lambda match, name=name: name(
                *(int(group) if group.isdigit() else group for group in match.groups())
            ),
            key,
        )
    return key

"""CLIP weights in a local file: safetensors, a saved state dict, or OpenAI's TorchScript."""

import zipfile
from pathlib import Path

import torch
from open_clip.factory import load_state_dict
from open_clip.model import resize_pos_embed
from torch import nn

# Constants that a TorchScript archive holds beside the weights.
_CONSTANTS = ("attn_mask", "context_length", "input_resolution", "vocab_size")


def is_torchscript(path: str) -> bool:
    """Whether a file is a TorchScript archive, the format OpenAI published CLIP in."""
    if not (Path(path).is_file() and zipfile.is_zipfile(path)):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def load_weights(model: nn.Module, path: str) -> None:
    """Load a file into an open_clip model, every weight, without running code from it.

    The position embedding is resized from the file's (square) grid to the model's.

    Raises:
        RuntimeError: names or shapes do not fit.
    """
    if is_torchscript(path):
        state = torch.jit.load(path, map_location="cpu").state_dict()
        state = {key: value for key, value in state.items() if key not in _CONSTANTS}
    else:
        state = load_state_dict(path, weights_only=True)
    resize_pos_embed(state, model)
    model.load_state_dict(state)

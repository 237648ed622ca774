"""CLIP weights in a local file: safetensors, a saved state dict, or OpenAI's TorchScript.

The package has models of its own (``clip_models/NAME.json``) and weights for them
(``clip_weights/NAME.TAG.safetensors``, each with its card).
"""

import math
import zipfile
from pathlib import Path

import torch
from open_clip import CLIP
from open_clip.factory import load_state_dict

from .positions import resample_positions

OWN_MODELS = Path(__file__).parent / "clip_models"
OWN_WEIGHTS = Path(__file__).parent / "clip_weights"
_POSITIONS = "visual.positional_embedding"
# Constants that a TorchScript archive holds next to the weights.
_CONSTANTS = ("attn_mask", "context_length", "input_resolution", "vocab_size")


def own_tags(name: str) -> list[str]:
    """Return the tags of the weights that the package ships for a model."""
    return [path.name.split(".")[1] for path in sorted(OWN_WEIGHTS.glob(f"{name}.*.safetensors"))]


def find_weights(name: str, pretrained: str) -> str:
    """Return the file that MODEL.DPPP.CLIP_PRETRAINED means; "" if it is a hub's tag or empty."""
    if pretrained in own_tags(name):
        return str(OWN_WEIGHTS / f"{name}.{pretrained}.safetensors")
    return pretrained if Path(pretrained).is_file() else ""


def is_torchscript(path: str) -> bool:
    """Whether a file is a TorchScript archive, the format OpenAI published CLIP in."""
    if not (Path(path).is_file() and zipfile.is_zipfile(path)):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def load_weights(model: CLIP, path: str, image_size: tuple[int, int]) -> None:
    """Load every weight of an open_clip model from a file, without running code from it.

    Args:
        model: gets the weights.
        path: of the file.
        image_size: (height, width) in pixels that the model was published for. The position
            embedding is resampled from its grid of patches, or a square one, to the model's.

    Raises:
        RuntimeError: names or shapes do not fit.
    """
    if is_torchscript(path):
        state = torch.jit.load(path, map_location="cpu").state_dict()
        state = {key: value for key, value in state.items() if key not in _CONSTANTS}
    else:
        state = load_state_dict(path, weights_only=True)
    if _POSITIONS in state and len(state[_POSITIONS]) != len(model.visual.positional_embedding):
        positions = state[_POSITIONS].float()
        native = [s // p for s, p in zip(image_size, model.visual.patch_size, strict=True)]
        grid = _grid(len(positions) - 1, native)
        state[_POSITIONS] = resample_positions(positions, grid, list(model.visual.grid_size))
    model.load_state_dict(state)


def _grid(num_patches: int, native: list[int]) -> list[int]:
    """Return rows and columns of that many patches: the model's own, or a square."""
    side = math.isqrt(num_patches)
    if num_patches == math.prod(native):
        return native
    if num_patches != side * side:
        raise RuntimeError(f"{num_patches} positions are neither a square nor {native}")
    return [side, side]

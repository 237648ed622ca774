"""What drawing costs, computed from the settings without a model: arithmetic, memory, downloads.

The numbers are those of SDXL, its ControlNets and its VAE at their published sizes, and hold for
whatever was fine-tuned from them. A test counts them again with torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .settings import BASE, DiffusionSettings

if TYPE_CHECKING:
    from ...posing.canvas import Grid

_VALUE_PX = 8  # a value that SDXL works on is 8 x 8 pixels
_PERSON_TOKENS, _BACKGROUND_TOKENS = 2 * 77, 77  # the person's prompt has two parts


@dataclass(frozen=True, kw_only=True)
class Network:
    """FLOP of one pass over a picture of n values and t tokens, as torch's FlopCounterMode counts.

    Attributes:
        parameters: number of weights.
        per_value: FLOP for each of n.
        per_pair: for each of n * n, in self-attention.
        per_value_and_token: for each of n * t, in cross-attention.
        per_token: for each of t.
        once: for the time and the like.
    """

    parameters: int
    per_value: int
    per_pair: int
    per_value_and_token: int = 0
    per_token: int = 0
    once: int = 0

    def flop(self, values: int, tokens: int = 0) -> int:
        """Return the FLOP of one pass."""
        return (
            self.per_value * values
            + self.per_pair * values**2
            + self.per_value_and_token * values * tokens
            + self.per_token * tokens
            + self.once
        )


UNET = Network(
    parameters=2_567_463_684,
    per_value=361_620_480,
    per_pair=2_800,
    per_value_and_token=25_600,
    per_token=681_574_400,
    once=49_807_360,
)
CONTROLNET = Network(
    parameters=1_251_014_160,
    per_value=157_923_840,
    per_pair=1_240,
    per_value_and_token=12_160,
    per_token=335_544_320,
    once=32_604_160,
)
UNION_CONTROLNET = Network(
    parameters=1_257_287_280,
    per_value=179_378_688,
    per_pair=1_240,
    per_value_and_token=12_160,
    per_token=335_544_320,
    once=47_599_360,
)
VAE_DECODER = Network(parameters=83_653_863, per_value=605_507_616, per_pair=2_048)
MAP_EMBEDDING = Network(parameters=0, per_value=3_594_240, per_pair=0)  # part of a ControlNet
_TEXT_ENCODERS = 123_060_480 + 694_659_840  # parameters

# Bytes of activations at their peak for each value, in bf16, of a pass through denoiser and
# ControlNets (a row is a picture with or without its prompt), and of one picture in the decoder.
_ROW_BYTES, _DECODED_BYTES = 17_000, 98_500
_BYTES = {"bf16": 2, "fp16": 2, "fp32": 4}

# GB of the files that a build fetches, as the hub's file lists show them (huggingface.co/NAME).
_PUBLISHED_GB = {
    "madebyollin/sdxl-vae-fp16-fix": 0.33,
    "xinsir/controlnet-openpose-sdxl-1.0": 2.50,
    "xinsir/controlnet-canny-sdxl-1.0": 2.50,
    "xinsir/controlnet-union-sdxl-1.0": 2.51,
    "ByteDance/SDXL-Lightning/sdxl_lightning_8step_lora.safetensors": 0.39,
    "latent-consistency/lcm-lora-sdxl": 0.39,
    "h1t/TCD-SDXL-LoRA": 0.39,
}
_SDXL = "stabilityai/stable-diffusion-xl-base-1.0"
_SDXL_GB = {"fp16": (5.14 + 0.25 + 1.39, 0.17), "": (10.27 + 0.49 + 2.78, 0.33)}  # and its own VAE


def canvas_tflop(settings: DiffusionSettings, grid: Grid) -> float:
    """Compute the arithmetic of one canvas in TFLOP; the text encoders' 0.1 is left out."""
    values = _values(*(side * settings.scale for side in grid.size))
    rows = 2 if settings.is_guided else 1
    flop = rows * settings.steps * UNET.flop(values, _PERSON_TOKENS)
    for network, steps in _control_passes(settings):
        flop += rows * steps * network.flop(values, _PERSON_TOKENS)
    num_maps = sum(steps > 0 for steps in _acting_steps(settings))
    of_maps = num_maps * MAP_EMBEDDING.flop(values) / settings.batch_size  # a batch shares them
    return (flop + of_maps + VAE_DECODER.flop(values)) / 1e12


def background_tflop(settings: DiffusionSettings) -> float:
    """Compute the arithmetic of one background in TFLOP."""
    values = _values(*settings.background_size)
    rows = 2 if settings.is_guided else 1
    flop = rows * settings.steps * UNET.flop(values, _BACKGROUND_TOKENS)
    return (flop + VAE_DECODER.flop(values)) / 1e12


def gpu_memory_gb(settings: DiffusionSettings, grid: Grid) -> float:
    """Estimate the GPU memory of drawing: weights and the largest activations at a time.

    It leaves out what CUDA itself takes and what its allocator keeps unused, together about 1 GB.
    """
    size = _BYTES[settings.dtype]
    num_weights = UNET.parameters + VAE_DECODER.parameters
    num_weights += sum(network.parameters for network, _ in _control_passes(settings))
    if not settings.cpu_offload:
        num_weights += _TEXT_ENCODERS
    canvas = _values(*(side * settings.scale for side in grid.size))
    background = _values(*settings.background_size)
    rows = 2 if settings.is_guided else 1
    decoded = 1 if settings.vae_slicing else settings.batch_size
    activations = max(
        rows * settings.batch_size * canvas * _ROW_BYTES,
        0 if settings.vae_tiling else max(decoded * canvas, background) * _DECODED_BYTES,
    )
    return (num_weights * size + activations * size / 2) / 1e9


def published_gb(settings: DiffusionSettings) -> dict[str, float | None]:
    """Return the download of each model of the hub in GB, by key; None if it is not known here."""
    return {
        key: _download(key, settings)
        for key, source in settings.sources.items()
        if not source.is_local
    }


def _download(key: str, settings: DiffusionSettings) -> float | None:
    source = settings.sources[key]
    if (
        key == BASE
        and source.location == _SDXL
        and settings.variant in _SDXL_GB
        and not source.file
    ):
        networks, own_vae = _SDXL_GB[settings.variant]
        return networks + (0.0 if "DIFFUSION.VAE" in settings.sources else own_vae)
    return _PUBLISHED_GB.get(f"{source.location}/{source.file}".rstrip("/"))


def _values(height: float, width: float) -> int:
    return round(height) // _VALUE_PX * (round(width) // _VALUE_PX)


def _acting_steps(settings: DiffusionSettings) -> tuple[int, int]:
    """Count the steps in which the skeleton map and the edge map act."""

    def count(scale: float, end: float) -> int:
        steps = settings.steps
        return sum((step + 1) / steps <= end for step in range(steps)) if scale else 0

    return (
        count(settings.pose_scale, settings.pose_end),
        count(settings.edge_scale, settings.edge_end),
    )


def _control_passes(settings: DiffusionSettings) -> list[tuple[Network, int]]:
    """List the ControlNets and in how many steps each is called."""
    pose, edge = _acting_steps(settings)
    if settings.has_union_controlnet:
        return [(UNION_CONTROLNET, max(pose, edge))]
    return [(CONTROLNET, pose), (CONTROLNET, edge)]

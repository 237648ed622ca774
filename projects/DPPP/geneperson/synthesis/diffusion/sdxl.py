"""Loading SDXL, its ControlNets, VAE and LoRAs with diffusers' own classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ...errors import UserError
from ...extras import require
from ...model_sources import ModelSource
from .compiling import compile_blocks
from .conditions import embed_once
from .control import skip_ended, skip_ended_in_union
from .loras import LoraWeights, add_to_weights
from .samplers import make_sampler
from .settings import BASE, BASE_CONFIG, UNION_CONTROLNET, DiffusionSettings

if TYPE_CHECKING:
    import torch

WHAT = "SYNTHESIS.NAME 'diffusion'"
_CONFIG_FILES = ["*.json", "*.txt"]  # of all folders: model_index, networks, tokenizers
_SINGLE_FILE_NEEDS = (
    f"{BASE} is a single file and needs the .json and .txt files of a model in diffusers' format "
    "that is built like it: a local folder, or the hub once"
)

# One of diffusers' SDXL pipelines; type checkers see only its placeholders for a missing torch.
Pipeline: TypeAlias = Any
T = TypeVar("T")
logger = logging.getLogger(__name__)


def load_pipeline(
    settings: DiffusionSettings, *, offline: bool = False
) -> tuple[Pipeline, LoraWeights]:
    """Load the character pipeline onto its device, ready to draw.

    Args:
        settings: models and how they are used.
        offline: fetch nothing; a model that is not on this machine is an error.

    Returns:
        The pipeline, and what exchanges its weights for those that draw backgrounds.

    Raises:
        UserError: a package or model is missing, or the device cannot be used.
    """
    torch = require("torch", WHAT)
    diffusers = require("diffusers", WHAT)
    for package in ("transformers", "peft"):
        require(package, WHAT)
    device = pick_device(settings)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[settings.dtype]
    common = {
        "local_files_only": offline,
        "dtype": dtype,
        "use_safetensors": None if settings.allow_pickle else True,
    }

    def load(key: str, loader: Callable[..., T], **options: Any) -> T:
        source = settings.sources[key]
        with _load_trouble(key, source):
            return loader(source.location, revision=source.revision, **common, **options)

    parts: dict[str, Any] = {}
    if "DIFFUSION.VAE" in settings.sources:
        parts["vae"] = load("DIFFUSION.VAE", diffusers.AutoencoderKL.from_pretrained)
    if settings.has_union_controlnet:
        pipeline_class = diffusers.StableDiffusionXLControlNetUnionPipeline
        loader = diffusers.ControlNetUnionModel.from_pretrained
        parts["controlnet"] = load(UNION_CONTROLNET, loader)
        embed_once(parts["controlnet"])
        skip_ended_in_union(parts["controlnet"])
    else:
        pipeline_class = diffusers.StableDiffusionXLControlNetPipeline
        loader = diffusers.ControlNetModel.from_pretrained
        networks = [load(f"DIFFUSION.{role}_CONTROLNET", loader) for role in ("POSE", "EDGE")]
        for network in networks:
            embed_once(network)
        parts["controlnet"] = diffusers.MultiControlNetModel(networks)
        skip_ended(parts["controlnet"])
    if BASE_CONFIG in settings.sources:
        pipe = _load_single_file(pipeline_class, parts, settings, dtype=dtype, offline=offline)
    else:
        pipe = load(
            BASE,
            pipeline_class.from_pretrained,
            variant=settings.variant or None,
            add_watermarker=False,
            **parts,
        )
    pipe.scheduler = make_sampler(settings.scheduler, pipe.scheduler.config)
    loras = _load_loras(pipe, settings, offline=offline)
    return _place(pipe, settings, device), loras


def without_control(pipe: Pipeline, settings: DiffusionSettings) -> Pipeline:
    """Return a pipeline of the same networks without condition images, for backgrounds."""
    diffusers = require("diffusers", WHAT)
    # not from_pipe(), which casts the shared networks to float32
    parts = {name: part for name, part in pipe.components.items() if name != "controlnet"}
    painter = diffusers.StableDiffusionXLPipeline(**parts, add_watermarker=False)
    if settings.cpu_offload:
        painter.enable_model_cpu_offload(device=pick_device(settings))
    painter.set_progress_bar_config(disable=True)
    return painter


def pick_device(settings: DiffusionSettings) -> torch.device:
    """Return the device of ``DIFFUSION.DEVICE``; "auto" is a GPU if there is one.

    Raises:
        UserError: this machine has no such device.
    """
    torch = require("torch", WHAT)
    name = settings.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"DIFFUSION.DEVICE is {name!r}: {reason}; use auto or cpu") from error
    if settings.cpu_offload and device.type == "cpu":
        raise UserError("DIFFUSION.CPU_OFFLOAD needs a GPU; set it False")
    return device


def _load_single_file(
    pipeline_class: Any,
    parts: dict[str, Any],
    settings: DiffusionSettings,
    *,
    dtype: torch.dtype,
    offline: bool,
) -> Pipeline:
    """Load a base model that is one file with the original's keys.

    Both downloads are made here. Left to itself, diffusers looks for the configuration at the
    revision of the weights, and fetches it even where nothing may be fetched.
    """
    hub = require("huggingface_hub", WHAT)
    weights, config = settings.sources[BASE], settings.sources[BASE_CONFIG]
    path, folder = Path(weights.location) / weights.file, Path(config.location)
    if not config.is_local:
        with _load_trouble(BASE_CONFIG, config, hint=_SINGLE_FILE_NEEDS):
            folder = hub.snapshot_download(
                config.location,
                revision=config.revision,
                allow_patterns=_CONFIG_FILES,
                local_files_only=offline,
            )
    with _load_trouble(BASE_CONFIG, config, hint=_SINGLE_FILE_NEEDS):
        pipeline_class.load_config(folder)
    with _load_trouble(BASE, weights, hint=f"is it a whole model of SDXL, like {BASE_CONFIG}?"):
        if not weights.is_local:
            path = hub.hf_hub_download(
                weights.location, weights.file, revision=weights.revision, local_files_only=offline
            )
        return pipeline_class.from_single_file(
            str(path),
            config=str(folder),
            local_files_only=True,
            dtype=dtype,
            add_watermarker=False,
            **parts,
        )


def _load_loras(pipe: Pipeline, settings: DiffusionSettings, *, offline: bool) -> LoraWeights:
    """Load each LoRA under the name of its role, and add all of them with their weights."""
    if settings.note:
        logger.info(settings.note)
    for contradiction in settings.contradictions:
        logger.warning(contradiction)
    for role in settings.lora_weights:
        key = f"DIFFUSION.LORA.{role}"
        source = settings.sources[key]
        with _load_trouble(key, source):
            pipe.load_lora_weights(
                source.location,
                weight_name=source.file or None,
                revision=source.revision,
                local_files_only=offline,
                adapter_name=role,
                use_safetensors=None if settings.allow_pickle else True,
            )
    return add_to_weights(pipe, settings.lora_weights)


def _place(pipe: Pipeline, settings: DiffusionSettings, device: torch.device) -> Pipeline:
    """Put the pipeline on its device with the options that save memory or time."""
    torch = require("torch", WHAT)
    if settings.vae_slicing:
        pipe.vae.enable_slicing()
    if settings.vae_tiling:
        pipe.vae.enable_tiling()
    if settings.cpu_offload:
        pipe.enable_model_cpu_offload(device=device)
    else:
        pipe.to(device)
    if device.type == "cuda":  # its convolutions are faster so; a CPU's are not
        for network in (pipe.unet, pipe.controlnet, pipe.vae):
            network.to(memory_format=torch.channels_last)
    if settings.compile:
        compile_blocks(pipe, guided=settings.is_guided, backend="inductor")
    pipe.set_progress_bar_config(disable=True)
    logger.info("drawing with %s in %s on %s", type(pipe).__name__, settings.dtype, device)
    return pipe


@contextmanager
def _load_trouble(
    key: str, source: ModelSource, *, hint: str = "check the name, the files or the network"
) -> Iterator[None]:
    """Turn what diffusers, the hub and safetensors raise into one line."""
    try:
        yield
    except _load_errors() as error:
        where = Path(source.location) / source.file if source.is_local else source.location
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise UserError(f"{key}: cannot load {where}: {reason}; {hint}") from error


def _load_errors() -> tuple[type[Exception], ...]:
    """Return what diffusers, the hub and safetensors raise for a model that cannot be loaded."""
    single_file = require("diffusers.loaders.single_file_utils", WHAT)
    own = (require("safetensors", WHAT).SafetensorError, single_file.SingleFileComponentError)
    return (OSError, ValueError, TypeError, KeyError, RuntimeError, *own)

"""Loading SDXL, its ControlNets, VAE and LoRAs as the settings say, with diffusers' own classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...errors import UserError
from ...extras import require
from ...model_sources import ModelSource, parse_source

if TYPE_CHECKING:
    import torch
    from diffusers import DiffusionPipeline
    from yacs.config import CfgNode

LORA_ROLES = ("ENHANCEMENT", "LIGHTING", "STYLE")  # the paper's three
WHAT = "SYNTHESIS.NAME 'diffusion'"

T = TypeVar("T")
logger = logging.getLogger(__name__)


def model_sources(settings: CfgNode) -> dict[str, ModelSource]:
    """Give the models that ``cfg.DIFFUSION`` asks for, by key.

    Raises:
        UserError: a name that cannot be one, or pickled weights that are not allowed.
    """
    networks = ("UNION_CONTROLNET",)
    if not settings.UNION_CONTROLNET:
        networks = ("POSE_CONTROLNET", "EDGE_CONTROLNET")
    wanted = {f"DIFFUSION.{key}": settings[key] for key in ("BASE", "VAE", *networks)}
    wanted |= {f"DIFFUSION.LORA.{role}": settings.LORA[role] for role in LORA_ROLES}
    if not settings.BASE or not all(settings[key] for key in networks):
        raise UserError(
            "DIFFUSION.BASE, POSE_CONTROLNET and EDGE_CONTROLNET (or UNION_CONTROLNET) must name "
            "models"
        )
    found = {
        key: parse_source(key, name, settings.ALLOW_PICKLE) for key, name in wanted.items() if name
    }
    for key, source in found.items():
        if source.file and not key.startswith("DIFFUSION.LORA."):
            raise UserError(f"{key} names a single file: give a folder in diffusers' format")
    return found


def load_pipeline(settings: CfgNode, offline: bool = False) -> DiffusionPipeline:
    """Load the character pipeline onto its device, ready to draw.

    Args:
        settings: ``cfg.DIFFUSION``.
        offline: fetch nothing; a model that is not on this machine is an error.

    Raises:
        UserError: a package or model is missing, or the device cannot be used.
    """
    torch = require("torch", WHAT)
    diffusers = require("diffusers", WHAT)
    for package in ("transformers", "peft"):
        require(package, WHAT)
    sources = model_sources(settings)
    device = pick_device(settings)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[settings.DTYPE]
    common = {
        "local_files_only": offline,
        "dtype": dtype,
        "use_safetensors": None if settings.ALLOW_PICKLE else True,
    }

    def load(key: str, loader: Callable[..., T], **more: object) -> T:
        source = sources[key]
        with _load_trouble(key, source):
            return loader(source.location, revision=source.revision, **common, **more)

    parts: dict[str, object] = {}
    if "DIFFUSION.VAE" in sources:
        parts["vae"] = load("DIFFUSION.VAE", diffusers.AutoencoderKL.from_pretrained)
    if settings.UNION_CONTROLNET:
        pipeline_class = diffusers.StableDiffusionXLControlNetUnionPipeline
        loader = diffusers.ControlNetUnionModel.from_pretrained
        parts["controlnet"] = load("DIFFUSION.UNION_CONTROLNET", loader)
    else:
        pipeline_class = diffusers.StableDiffusionXLControlNetPipeline
        loader = diffusers.ControlNetModel.from_pretrained
        parts["controlnet"] = [
            load("DIFFUSION.POSE_CONTROLNET", loader),
            load("DIFFUSION.EDGE_CONTROLNET", loader),
        ]
    pipe = load(
        "DIFFUSION.BASE",
        pipeline_class.from_pretrained,
        variant=settings.VARIANT or None,
        add_watermarker=False,
        **parts,
    )
    pipe.scheduler = diffusers.EulerAncestralDiscreteScheduler.from_config(pipe.scheduler.config)
    _load_loras(pipe, settings, sources, offline)
    return _place(pipe, settings, device)


def without_control(pipe: DiffusionPipeline, settings: CfgNode) -> DiffusionPipeline:
    """Give a pipeline of the same networks that needs no condition images, for backgrounds."""
    diffusers = require("diffusers", WHAT)
    # not from_pipe(), which casts the shared networks to float32
    parts = {name: part for name, part in pipe.components.items() if name != "controlnet"}
    painter = diffusers.StableDiffusionXLPipeline(**parts, add_watermarker=False)
    if settings.CPU_OFFLOAD:
        painter.enable_model_cpu_offload(device=pick_device(settings))
    painter.set_progress_bar_config(disable=True)
    return painter


def pick_device(settings: CfgNode) -> torch.device:
    """Give the device of ``DIFFUSION.DEVICE``; "auto" is a GPU where there is one.

    Raises:
        UserError: no such device here.
    """
    torch = require("torch", WHAT)
    name = settings.DEVICE
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"DIFFUSION.DEVICE is {name!r}: {reason}; use auto or cpu") from error
    if settings.CPU_OFFLOAD and device.type == "cpu":
        raise UserError("DIFFUSION.CPU_OFFLOAD needs a GPU; set it False")
    return device


def _load_loras(
    pipe: DiffusionPipeline, settings: CfgNode, sources: dict[str, ModelSource], offline: bool
) -> None:
    """Load each LoRA under its role's name and switch all of them on with their weights."""
    weights = {}
    for role in LORA_ROLES:
        key = f"DIFFUSION.LORA.{role}"
        if key not in sources:
            continue
        source, adapter = sources[key], role.lower()
        with _load_trouble(key, source):
            pipe.load_lora_weights(
                source.location,
                weight_name=source.file or None,
                revision=source.revision,
                local_files_only=offline,
                adapter_name=adapter,
                use_safetensors=None if settings.ALLOW_PICKLE else True,
            )
        weights[adapter] = settings.LORA[f"{role}_WEIGHT"]
    if weights:
        pipe.set_adapters(list(weights), adapter_weights=list(weights.values()))


def _place(pipe: DiffusionPipeline, settings: CfgNode, device: torch.device) -> DiffusionPipeline:
    if settings.VAE_SLICING:
        pipe.vae.enable_slicing()
    if settings.CPU_OFFLOAD:
        pipe.enable_model_cpu_offload(device=device)
    else:
        pipe.to(device)
    if settings.COMPILE:
        pipe.unet.compile()
    pipe.set_progress_bar_config(disable=True)
    logger.info("drawing with %s in %s on %s", type(pipe).__name__, settings.DTYPE, device)
    return pipe


@contextmanager
def _load_trouble(key: str, source: ModelSource) -> Iterator[None]:
    """Turn what diffusers, the hub and safetensors raise into one line."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, _safetensor_error()) as error:
        where = Path(source.location) / source.file if source.is_local else source.location
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise UserError(
            f"{key}: cannot load {where}: {reason}; check the name, the files or the network"
        ) from error


def _safetensor_error() -> type[Exception]:
    return require("safetensors", WHAT).SafetensorError

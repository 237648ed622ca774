"""What ``cfg.DIFFUSION`` asks for, resolved once: values and model sources, nothing loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import UserError
from ...model_sources import ModelSource, parse_source

if TYPE_CHECKING:
    from yacs.config import CfgNode

LORA_ROLES = ("ENHANCEMENT", "LIGHTING", "STYLE")  # the paper's three
ACCELERATION = "ACCELERATION"  # not the paper's: fewer steps, for people and backgrounds
BASE = "DIFFUSION.BASE"
BASE_CONFIG = "DIFFUSION.BASE_CONFIG"
UNION_CONTROLNET = "DIFFUSION.UNION_CONTROLNET"
_FAST_SAMPLERS = ("euler", "lcm", "tcd")  # of SDXL-Lightning, of LCM's and of TCD's LoRA
_DISTILLED_SAMPLERS = ("lcm", "tcd")  # for models that were trained for them alone
_MOST_FAST_STEPS, _MOST_FAST_GUIDANCE = 12, 2.0


@dataclass(frozen=True, kw_only=True)
class DiffusionSettings:
    """Everything that decides about a picture of this route.

    Attributes:
        sources: key of the configuration ("DIFFUSION.BASE") -> model; optional models that are
            not asked for have no entry.
        lora_weights: role ("STYLE", "ACCELERATION") -> weight, for the LoRAs among the sources.
        variant: variant of the base model's files; empty for the plain ones.
        pose_scale: weight of the pose ControlNet, 0..2.
        pose_end: share of the steps after which the skeleton map no longer counts, (0, 1].
        edge_scale: weight of the edge ControlNet, 0..2.
        edge_end: the same share for the edge map.
        extra_prompt: words added to every character prompt.
        negative_extra: words added to the negative prompt of characters and backgrounds.
        allow_pickle: whether weights in pickle files may be read.
        scheduler: what denoises, a name of ``samplers.SAMPLERS``.
        steps: denoising steps.
        guidance: scale of the classifier-free guidance; at 1 or less there is none.
        scale: size of the drawn canvas as a multiple of the grid's.
        background_size: (height, width) of a background picture in pixels.
        batch_size: canvases drawn at once.
        device: "auto", or a device of torch.
        dtype: "bf16", "fp16" or "fp32".
        compile: whether to compile denoiser, ControlNets and VAE decoder.
        vae_slicing: whether to decode one picture at a time.
        vae_tiling: whether to decode a large picture in overlapping tiles.
        cpu_offload: whether idle models leave the GPU.
    """

    sources: dict[str, ModelSource]
    lora_weights: dict[str, float]
    variant: str
    pose_scale: float
    pose_end: float
    edge_scale: float
    edge_end: float
    extra_prompt: str
    negative_extra: str
    allow_pickle: bool
    scheduler: str
    steps: int
    guidance: float
    scale: float
    background_size: tuple[int, int]
    batch_size: int
    device: str
    dtype: str
    compile: bool
    vae_slicing: bool
    vae_tiling: bool
    cpu_offload: bool

    @classmethod
    def from_config(cls, cfg: CfgNode) -> DiffusionSettings:
        """Read ``cfg.DIFFUSION``.

        Raises:
            UserError: a name that cannot be a model's, or pickled weights that are not allowed.
        """
        values = cfg.DIFFUSION
        return cls(
            sources=_sources(values),
            lora_weights={
                role: values.LORA[f"{role}_WEIGHT"]
                for role in (ACCELERATION, *LORA_ROLES)
                if values.LORA[role]
            },
            variant=values.VARIANT,
            pose_scale=values.POSE_SCALE,
            pose_end=values.POSE_END,
            edge_scale=values.EDGE_SCALE,
            edge_end=values.EDGE_END,
            extra_prompt=values.EXTRA_PROMPT,
            negative_extra=values.NEGATIVE_EXTRA,
            allow_pickle=values.ALLOW_PICKLE,
            scheduler=values.SCHEDULER,
            steps=values.STEPS,
            guidance=values.GUIDANCE,
            scale=values.SCALE,
            background_size=tuple(values.BACKGROUND_SIZE),
            batch_size=values.BATCH_SIZE,
            device=values.DEVICE,
            dtype=values.DTYPE,
            compile=values.COMPILE,
            vae_slicing=values.VAE_SLICING,
            vae_tiling=values.VAE_TILING,
            cpu_offload=values.CPU_OFFLOAD,
        )

    @property
    def has_union_controlnet(self) -> bool:
        """Whether one union network reads both maps, in place of two ControlNets."""
        return UNION_CONTROLNET in self.sources

    @property
    def is_guided(self) -> bool:
        """Whether each step sees every picture twice, with its prompt and with the negative one."""
        return self.guidance > 1

    @property
    def note(self) -> str:
        """What the settings leave out, in sentences; empty for nothing."""
        sentences = []
        absent = [role.lower() for role in LORA_ROLES if role not in self.lora_weights]
        if absent:
            sentences.append(
                f"Absent of the paper's three LoRAs: {', '.join(absent)} (DIFFUSION.LORA)."
            )
        if not self.is_guided:
            sentences.append(
                f"At DIFFUSION.GUIDANCE {self.guidance:g} the negative prompts have no effect; "
                "what they would keep out, only the limits of QUALITY and your own eyes can."
            )
        return " ".join([*sentences, *self.contradictions])

    @property
    def contradictions(self) -> list[str]:
        """Settings that can be drawn with and hardly make sense together, a sentence each."""
        found = []
        if ACCELERATION in self.lora_weights:
            if self.steps > _MOST_FAST_STEPS or self.guidance > _MOST_FAST_GUIDANCE:
                found.append(
                    "DIFFUSION.LORA.ACCELERATION is made for few steps with little guidance, not "
                    f"for STEPS {self.steps} and GUIDANCE {self.guidance:g}: set 8 and 1.0, or "
                    'name no such LoRA ("").'
                )
            if self.scheduler not in _FAST_SAMPLERS:
                found.append(
                    "DIFFUSION.LORA.ACCELERATION is not made for DIFFUSION.SCHEDULER "
                    f"{self.scheduler}: set {' or '.join(_FAST_SAMPLERS)}, as its card says."
                )
        elif self.scheduler in _DISTILLED_SAMPLERS:
            found.append(
                f"DIFFUSION.SCHEDULER {self.scheduler} blurs what a plain model draws: name the "
                "LoRA that it belongs to as DIFFUSION.LORA.ACCELERATION, or a BASE that needs none."
            )
        return found


def _sources(values: CfgNode) -> dict[str, ModelSource]:
    """Parse the names of the models that are asked for."""
    networks: tuple[str, ...] = ("UNION_CONTROLNET",)
    if not values.UNION_CONTROLNET:
        networks = ("POSE_CONTROLNET", "EDGE_CONTROLNET")
    if not values.BASE or not all(values[key] for key in networks):
        raise UserError(
            "DIFFUSION.BASE, POSE_CONTROLNET and EDGE_CONTROLNET (or UNION_CONTROLNET) must name "
            "models"
        )
    names = {f"DIFFUSION.{key}": values[key] for key in ("BASE", "VAE", *networks)}
    names[BASE_CONFIG] = values.BASE_CONFIG
    names |= {f"DIFFUSION.LORA.{role}": values.LORA[role] for role in (ACCELERATION, *LORA_ROLES)}
    sources = {
        key: parse_source(key, name, allow_pickle=values.ALLOW_PICKLE)
        for key, name in names.items()
        if name
    }
    for key, source in sources.items():
        if source.file and key != BASE and not key.startswith("DIFFUSION.LORA."):
            raise UserError(f"{key} names a single file: give a folder in diffusers' format")
    if not sources[BASE].file:
        sources.pop(BASE_CONFIG, None)
    elif BASE_CONFIG not in sources:
        raise UserError(
            f"{BASE} is a single file, which does not say how its networks are built: set "
            f"{BASE_CONFIG} to a model in diffusers' format that is built like it"
        )
    return sources

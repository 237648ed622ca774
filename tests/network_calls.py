"""What one call of the diffusion route asks of its networks, and what diffusers alone would ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from geneperson.prompting.prompts import SHEET, Identity
from geneperson.synthesis.diffusion.samplers import TCD_ETA, make_sampler
from geneperson.synthesis.diffusion.settings import DiffusionSettings
from geneperson.synthesis.diffusion.synthesizer import DiffusionSynthesizer


class Calls(dict[str, list[int]]):
    """Network -> the number of pictures or texts in each of its calls."""

    def summary(self) -> dict[str, str]:
        """Return "calls x pictures" of each network."""
        return {
            name: " + ".join(f"{sizes.count(size)} x {size}" for size in dict.fromkeys(sizes))
            or "0"
            for name, sizes in self.items()
        }


@contextmanager
def counted(pipe: Any) -> Iterator[Calls]:
    """Count the calls of a pipeline's networks, at layers that no pass can do without."""
    from peft.tuners.lora import LoraLayer

    pose, edge = pipe.controlnet.nets
    layers = {
        "denoiser": pipe.unet.conv_in,
        "pose ControlNet": pose.conv_in,
        "edge ControlNet": edge.conv_in,
        "embedding of the skeleton map": pose.controlnet_cond_embedding.conv_in,
        "embedding of the edge map": edge.controlnet_cond_embedding.conv_in,
        "first text encoder": pipe.text_encoder,
        "second text encoder": pipe.text_encoder_2,
        "VAE decoder": pipe.vae.decoder.conv_in,
        "a LoRA's layer": next((m for m in pipe.unet.modules() if isinstance(m, LoraLayer)), None),
    }
    calls = Calls({name: [] for name in layers})
    handles = [
        layer.register_forward_pre_hook(
            lambda _, inputs, sizes=calls[name]: sizes.append(len(inputs[0])) and None
        )
        for name, layer in layers.items()
        if layer is not None
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def plain_pipeline(settings: DiffusionSettings) -> Any:
    """Load local models with diffusers' own calls alone; its LoRAs stay adapters."""
    import diffusers

    def path(key: str) -> str:
        return settings.sources[f"DIFFUSION.{key}"].location

    roles = ("POSE", "EDGE")
    networks = [
        diffusers.ControlNetModel.from_pretrained(path(f"{role}_CONTROLNET")) for role in roles
    ]
    pipe = diffusers.StableDiffusionXLControlNetPipeline.from_pretrained(
        path("BASE"), controlnet=diffusers.MultiControlNetModel(networks), add_watermarker=False
    )
    pipe.scheduler = make_sampler(settings.scheduler, pipe.scheduler.config)
    for role in settings.lora_weights:
        source = settings.sources[f"DIFFUSION.LORA.{role}"]
        pipe.load_lora_weights(source.location, weight_name=source.file, adapter_name=role)
    if settings.lora_weights:
        names, weights = zip(*settings.lora_weights.items(), strict=True)
        pipe.set_adapters(list(names), adapter_weights=list(weights))
    pipe.vae.enable_slicing()
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw_plainly(
    pipe: Any,
    settings: DiffusionSettings,
    maps: Sequence[Any],
    people: Sequence[Identity],
) -> np.ndarray:
    """Draw a batch of canvases with one call of diffusers, (B, H, W, 3) uint8.

    Args:
        pipe: of ``plain_pipeline``.
        settings: its settings.
        maps: skeleton and edge map in the size that is drawn.
        people: a batch.
    """
    width, height = maps[0].size
    sheet = f"{SHEET}, {settings.extra_prompt}" if settings.extra_prompt else SHEET
    texts = (
        (
            [person.prompt.removesuffix(f", {SHEET}") for person in people],
            [person.negative_prompt for person in people],
        ),
        ([sheet] * len(people), [settings.negative_extra] * len(people)),
    )
    guided = settings.guidance > 1
    with torch.no_grad():
        (person, person_not, pooled, pooled_not), (sheet_words, sheet_not, _, _) = (
            pipe.encode_prompt(
                prompt=wanted, negative_prompt=unwanted, do_classifier_free_guidance=guided
            )
            for wanted, unwanted in texts
        )
    pictures = pipe(
        prompt_embeds=torch.cat([person, sheet_words], dim=1),
        negative_prompt_embeds=torch.cat([person_not, sheet_not], dim=1) if guided else None,
        pooled_prompt_embeds=pooled,
        negative_pooled_prompt_embeds=pooled_not,
        image=list(maps),
        controlnet_conditioning_scale=[settings.pose_scale, settings.edge_scale],
        control_guidance_end=[settings.pose_end, settings.edge_end],
        height=height,
        width=width,
        num_inference_steps=settings.steps,
        guidance_scale=settings.guidance,
        eta=TCD_ETA,
        generator=[torch.Generator("cpu").manual_seed(person.seed) for person in people],
        output_type="np",
    ).images
    return np.rint(pictures * 255.0).astype(np.uint8)


def calls_of_both(
    ours: DiffusionSynthesizer, settings: DiffusionSettings, people: Sequence[Identity]
) -> tuple[Calls, Calls]:
    """Count for one batch: diffusers alone, and the route when it has drawn a batch before."""
    pipe = plain_pipeline(settings)
    with counted(pipe) as plain:
        draw_plainly(pipe, settings, ours._maps, people)
    ours.characters(people)
    with counted(ours._pipe) as calls:
        ours.characters(people)
    return plain, calls

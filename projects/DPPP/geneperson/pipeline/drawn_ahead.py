"""Canvases of a model that only one process holds: drawn here, finished by the workers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Set
from itertools import islice
from pathlib import Path

from yacs.config import CfgNode

from ..compositing.matting import Matting
from ..errors import UserError
from ..prompting.prompts import Identity
from ..synthesis import Synthesizer, build_synthesizer
from ..synthesis.diffusion.sdxl import model_sources
from .staging import Staging
from .stored_scenes import StoredScenes
from .workers import Job

logger = logging.getLogger(__name__)


def drawn_ahead(
    cfg: CfgNode, identities: Iterator[Identity], staged: Set[int], staging: Staging
) -> Iterator[Job]:
    """Yield the identities that are not on the disk yet, each with its canvas.

    Models are loaded when the first canvas is wanted. Batches have fixed members, and one is drawn
    whole even if only a part of it is wanted: a batch of another size could differ in its last
    bits, and an identity must not depend on how often the build was stopped.
    """
    synthesizer = _prepare(cfg, staging)
    while batch := list(islice(identities, synthesizer.batch_size)):
        if all(identity.index in staged for identity in batch):
            continue
        canvases = synthesizer.characters(batch)
        for identity, canvas in zip(batch, canvases, strict=True):
            if identity.index not in staged:
                yield identity, canvas


def load_models(cfg: CfgNode) -> tuple[Synthesizer, dict[str, dict[str, str]]]:
    """Load what draws, try what cuts out, and give the provenance of all models."""
    matting = Matting.from_config(cfg)  # fetched once here, not by every worker
    logger.info("cutting out with %s on %s", cfg.MATTING.MODEL, matting.provider)
    synthesizer = build_synthesizer(cfg)
    return synthesizer, synthesizer.models() | {"MATTING": matting.describe()}


def refuse_other_models(cfg: CfgNode, recorded: dict, output: Path) -> None:
    """Refuse a finished set that was drawn by other models than those of the settings.

    Models that are not on this machine are taken for the recorded ones.
    """
    for key, source in model_sources(cfg.DIFFUSION).items():
        role = key.removeprefix("DIFFUSION.")
        now, then = source.describe(), recorded.get(role, {})
        if source.is_here() and now["revision"] != then.get("revision"):
            raise UserError(
                f"{output} holds a finished set with another {key}: {then.get('revision')}, not "
                f"{now['revision']}; choose another --output"
            )


def _prepare(cfg: CfgNode, staging: Staging) -> Synthesizer:
    synthesizer, models = load_models(cfg)
    staging.keep_models(models)
    StoredScenes(staging.scenes).paint_missing(synthesizer, cfg.SCENES.POOL_SIZE)
    return synthesizer

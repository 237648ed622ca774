"""Canvases of a model that only one process holds: drawn there, finished by the workers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Set
from itertools import islice
from pathlib import Path
from typing import Any

from ..compositing.gate import Gate
from ..compositing.matting import Matting
from ..errors import UserError
from ..model_sources import describe_models, role_of
from ..synthesis import Synthesizer
from .spec import BuildSpec
from .staging import Staging
from .stored_scenes import StoredScenes
from .workers import Job

logger = logging.getLogger(__name__)


def draw_ahead(spec: BuildSpec, staged: Set[int], staging: Staging) -> Iterator[Job]:
    """Yield the identities that are not on disk yet, each with its canvas.

    Models are loaded when the first canvas is needed. Batches have fixed members, and a batch is
    drawn whole even if only a part of it is needed: a batch of another size could differ in its
    last bits, and an identity must not depend on how often the build was stopped.
    """
    synthesizer, models = load_models(spec)
    staging.keep_models(models)
    StoredScenes(staging.scenes).paint_missing(synthesizer, spec.pool_size)
    identities = spec.identities()
    while batch := list(islice(identities, spec.route.batch_size)):
        if all(identity.index in staged for identity in batch):
            continue
        canvases = synthesizer.characters(batch)
        for identity, canvas in zip(batch, canvases, strict=True):
            if identity.index not in staged:
                yield identity, canvas


def load_models(spec: BuildSpec) -> tuple[Synthesizer, dict[str, dict[str, str]]]:
    """Load what draws, try what cuts out, and describe all models for the provenance."""
    matting: dict[str, dict[str, str]] = {}
    if spec.matting is not None:
        loaded = Matting(spec.matting)  # fetched once here, not by every worker
        logger.info("cutting out with %s on %s", spec.matting.model, loaded.provider)
        matting["MATTING"] = loaded.describe()
    Gate(spec.limits, spec.picture, spec.poses)  # its models are missed now, not after a batch
    synthesizer = spec.build_synthesizer()
    return synthesizer, describe_models(spec.route.model_sources()) | matting


def refuse_other_models(spec: BuildSpec, recorded: Mapping[str, Any], output: Path) -> None:
    """Refuse a finished set that was drawn by other models than those of the settings.

    A model that is not on this machine counts as the recorded one.
    """
    for key, source in spec.route.model_sources().items():
        ours, theirs = source.describe(), recorded.get(role_of(key), {})
        if source.is_on_disk() and ours["revision"] != theirs.get("revision"):
            raise UserError(
                f"{output} holds a finished set with another {key}: {theirs.get('revision')}, not "
                f"{ours['revision']}; choose another --output"
            )

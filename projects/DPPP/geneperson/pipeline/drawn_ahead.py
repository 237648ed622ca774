"""Pictures of a model that only one process holds: drawn there, finished by the workers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from ..compositing.gate import Gate
from ..compositing.matting import Matting
from ..errors import UserError
from ..model_sources import describe_models, role_of
from ..prompting.prompts import Identity
from ..synthesis import Characters, Synthesizer
from ..worlds.scenes import Painter
from .backgrounds import Backgrounds
from .candidate import Judged
from .spec import BuildSpec
from .staging import Staging
from .without_people import WithoutPeople
from .workers import Drawing

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What draws, loaded.

    Attributes:
        synthesizer: draws people.
        painter: paints backgrounds, without people if a detector looks for them.
        models: role -> name, revision and licence of every model.
    """

    synthesizer: Synthesizer
    painter: Painter
    models: dict[str, dict[str, str]]


class Artist:
    """The one process that holds a model: it draws canvases, and backgrounds as they are dealt.

    Models are loaded when the first canvas is needed.

    Args:
        spec: the build.
        output: folder of the data set.
        staging: of the build; it keeps what the models are.
        num_missing: accepted identities that are not on disk yet.
    """

    def __init__(
        self, spec: BuildSpec, output: Path, staging: Staging, *, num_missing: int
    ) -> None:
        self._num_missing = num_missing
        self._spec = spec
        self._output = output
        self._staging = staging

    @cached_property
    def _loaded(self) -> Loaded:
        loaded = load_models(self._spec)
        self._staging.keep_models(loaded.models)
        return loaded

    @cached_property
    def _backgrounds(self) -> Backgrounds:
        return Backgrounds.of(self._spec, self._output, self._loaded.models)

    def draw(self, staged: Set[int]) -> Iterator[Drawing]:
        """Yield the identities that are not on disk yet, each with its canvases.

        Batches have fixed members, and a batch is drawn whole even if only a part of it is needed:
        a batch of another size could differ in its last bits, and an identity must not depend on
        how often the build was stopped.

        Args:
            staged: numbers of the candidates on disk.
        """
        identities = self._spec.identities()
        while batch := list(islice(identities, self._spec.route.batch_size)):
            if all(identity.index in staged for identity in batch):
                continue
            canvases = draw_batch(self._spec, self._loaded.synthesizer, batch)
            for identity, own in zip(batch, canvases, strict=True):
                if identity.index not in staged:
                    yield identity, own

    def paint(self, judged: Iterable[Judged]) -> Iterator[tuple[Judged, Painter]]:
        """Pass candidates on when the backgrounds that they were dealt are on disk.

        It ends with the last identity that the set needs: those that were drawn beyond it would
        have backgrounds painted that no image shows.
        """
        missing = self._num_missing
        for candidate in judged:
            yield from self._backgrounds.paint_missing([candidate], self._loaded.painter)
            missing -= bool(candidate.good)
            if not missing:
                return


def draw_batch(
    spec: BuildSpec, synthesizer: Synthesizer, batch: Sequence[Identity]
) -> list[list[Characters]]:
    """Draw all canvases of a batch of identities: one batch for each light they are drawn in."""
    drawings = [spec.drawings(identity) for identity in batch]
    rounds = [synthesizer.characters(same_round) for same_round in zip(*drawings, strict=True)]
    return [list(canvases) for canvases in zip(*rounds, strict=True)]


def load_models(spec: BuildSpec) -> Loaded:
    """Load what draws, try what cuts out, and describe all models for the provenance."""
    matting: dict[str, dict[str, str]] = {}
    if spec.matting is not None:
        loaded = Matting(spec.matting)  # fetched once here, not by every worker
        logger.info("cutting out with %s on %s", spec.matting.model, loaded.provider)
        matting["MATTING"] = loaded.describe()
    gate = Gate(spec.limits, spec.picture, spec.poses)  # misses its models now, not after a batch
    synthesizer = spec.build_synthesizer()
    return Loaded(
        synthesizer=synthesizer,
        painter=WithoutPeople(synthesizer, gate.detector) if gate.detector else synthesizer,
        models=describe_models(spec.route.model_sources()) | matting,
    )


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

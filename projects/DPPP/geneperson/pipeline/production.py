"""From batches of identities to finished candidates, in their order, by a crew.

::

    draw     a batch of canvases, by whoever holds the model
    keep     the canvases, if they are wanted for another cut
    judge    cut out, filter, deal a place to every good cell: by the workers
    paint    the backgrounds that were dealt and are not on disk: by whoever holds the model
    finish   fuse, look through the camera, encode: by the workers
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np

from ..prompting.prompts import Identity
from .backgrounds import Backgrounds
from .candidate import Candidate, Drawing, Judged
from .canvases import Canvases, warn_of_lost
from .crew import Crew
from .pools import Pool, in_order
from .shard import Shard
from .spec import BuildSpec
from .staging import Staging


@dataclass(kw_only=True)
class Demand:
    """How many accepted candidates are still wanted; the one who takes them counts it down.

    No more than these are being finished at any time: the backgrounds of others would be painted
    for images that no set shows.
    """

    missing: int

    def limit(self, ahead: int) -> int:
        """Return how many of ``ahead`` candidates to finish at the same time."""
        return max(1, min(ahead, self.missing))


def batches(spec: BuildSpec, staged: Set[int], shard: Shard | None) -> Iterator[list[Identity]]:
    """Yield the batches in which a candidate is not on disk yet.

    Batches have fixed members, and a batch is drawn whole even if only a part of it is needed: a
    batch of another size could differ in its last bits, and an identity must not depend on how
    often the build was stopped.

    Args:
        spec: the build.
        staged: numbers of the candidates on disk.
        shard: whose batches; None for all.
    """
    identities = spec.identities()
    for number in count():
        batch = list(islice(identities, spec.route.batch_size))
        if not batch:
            return
        is_ours = shard is None or shard.owns(number)
        if is_ours and not all(identity.index in staged for identity in batch):
            yield batch


def produce(
    spec: BuildSpec,
    crew: Crew,
    wanted: Iterable[Sequence[Identity]],
    *,
    output: Path,
    staging: Staging,
    demand: Demand,
    fit: Callable[[Judged], Judged] = lambda judged: judged,
) -> Iterator[Candidate]:
    """Yield a candidate for each identity that is not on disk yet, in their order.

    Args:
        spec: the build.
        crew: does the work.
        wanted: batches of identities.
        output: folder of the data set.
        staging: of the build; it keeps what the models are.
        demand: how many are wanted.
        fit: drops the cells of a candidate whose backgrounds cannot be had.
    """
    staged = staging.indices()
    if spec.route.draws_in_workers:
        identities = (one for batch in wanted for one in batch if one.index not in staged)
        yield from in_order(
            lambda identity: crew.workers.submit("make", identity),
            identities,
            lambda: demand.limit(crew.workers.ahead),
        )
        return
    models = crew.drawers.submit("models").result()
    staging.keep_models(models)
    backgrounds = Backgrounds.of(spec, output, models)
    drawn = _draw(spec, crew, wanted)
    if spec.keep_canvases:
        warn_of_lost(spec, output, staged)
        drawn = Canvases.of(spec, output, models).keep(drawn)
    # a batch to work on while the next one is drawn
    ahead = crew.workers.ahead + spec.route.batch_size
    judged = in_order(
        lambda drawing: crew.workers.submit("judge", *drawing),
        (drawing for drawing in drawn if drawing[0].index not in staged),
        lambda: ahead,
    )
    yield from in_order(
        lambda candidate: crew.workers.submit("finish", candidate, backgrounds),
        _paint(map(fit, judged), backgrounds, crew.drawers),
        lambda: demand.limit(crew.workers.ahead),
    )


def _draw(spec: BuildSpec, crew: Crew, wanted: Iterable[Sequence[Identity]]) -> Iterator[Drawing]:
    drawn = in_order(
        lambda batch: crew.drawers.submit("draw", batch), wanted, lambda: crew.drawers.ahead
    )
    for batch in drawn:
        yield from batch


def _paint(judged: Iterable[Judged], backgrounds: Backgrounds, drawers: Pool) -> Iterator[Judged]:
    """Pass candidates on when the backgrounds that they were dealt are on disk."""

    def paint(place: tuple[str, str, int]) -> Future[np.ndarray]:
        return drawers.submit("paint", *place)

    for candidate in judged:
        missing = backgrounds.missing(candidate)
        pictures = in_order(paint, missing, lambda: drawers.ahead)
        for place, picture in zip(missing, pictures, strict=True):
            backgrounds.write(place, picture)
        yield candidate

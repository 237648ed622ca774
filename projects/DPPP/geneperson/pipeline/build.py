"""The order of the steps of a build, and what makes it resumable and independent of its crew.

Candidates are staged one by one, whoever draws them, and judged in the order of the prompt stream.
The first ``IDENTITIES.TRAIN`` accepted ones train, the next ``IDENTITIES.TEST`` are held out; only
then are names given and files moved into place.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from yacs.config import CfgNode

from ..dataset import layout
from ..errors import UserError
from ..prompting.prompts import Identity
from .candidate import Candidate
from .crew import Resources, crew
from .folder import (
    CODE,
    begin,
    disk_trouble,
    nothing_empty_after_failure,
    read_whole,
    refuse_foreign,
)
from .production import Demand, batches, produce
from .progress import Progress
from .publish import publish
from .shard import Shard
from .spec import BuildSpec
from .staging import Record, Staging
from .twins import TwinCheck


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where candidates come from.

    Attributes:
        candidates: yields, in order, those that are not on disk; closed when enough of them are.
        software: gives the versions of the packages that draw.
        used_up: what has happened if it ends before that.
        advice: what to do then.
    """

    candidates: Callable[[Staging, Demand], Generator[Candidate, None, None]]
    software: Callable[[], dict[str, str]]
    used_up: str
    advice: str


def build(
    cfg: CfgNode,
    output: str | Path,
    workers: int | None = 1,
    *,
    gpus: int = 0,
    executor: str = "local",
    address: str = "",
    accept_code_change: bool = False,
) -> dict[str, Any]:
    """Build a data set, or resume one that was interrupted or begun by shards.

    The same configuration gives the same images, whoever draws them and however often the build was
    stopped.

    Args:
        cfg: settings, see ``config.get_cfg`` and ``config.load``.
        output: folder of the data set: new, empty, or started by the same configuration.
        workers: processes that cut out and fuse, at least 1; None: as many as the cores can feed.
        gpus: processes that draw with a model, one for each GPU; 0: this process.
        executor: "local" or "ray".
        address: of the Ray cluster.
        accept_code_change: whether to go on with what another version of the code has drawn.

    Returns:
        The content of ``dataset.json``.

    Raises:
        UserError: settings, folder or disk that cannot be used. What was drawn so far is kept.
    """
    resources = Resources(workers=workers, gpus=gpus, executor=executor, address=address)
    spec, output = BuildSpec.from_config(cfg), Path(output)
    source = Source(
        candidates=partial(draw, spec=spec, output=output, resources=resources),
        software=spec.route.software,
        used_up="the vocabulary's outfits are used up",
        advice="add words or ask for fewer identities",
    )
    return run(spec, output, spec.settings, source, accept_code_change=accept_code_change)


def run(
    spec: BuildSpec,
    output: Path,
    settings: dict[str, Any],
    source: Source,
    *,
    accept_code_change: bool,
) -> dict[str, Any]:
    """Build from a source of candidates; see ``build``."""
    with disk_trouble(output):
        refuse_foreign(output)
        staging = Staging(output)
        if (output / layout.DATASET).exists() and not staging.root.exists():
            return read_whole(spec, output, settings)
        was_there = output.exists()
        with staging.lock(), nothing_empty_after_failure(output, staging, was_there=was_there):
            if (output / layout.DATASET).exists():
                # killed between the last two steps, or finished a moment ago by another build
                dataset = read_whole(spec, output, settings)
            else:
                code = begin(staging, settings, accept_code_change=accept_code_change)
                records = _select(spec, staging, source)
                dataset = publish(
                    spec,
                    output,
                    staging,
                    records=records,
                    identities=_identities(spec, records),
                    settings=settings | {CODE: code},
                    software=source.software(),
                )
            staging.remove()
            return dataset


def draw(
    staging: Staging,
    demand: Demand,
    *,
    spec: BuildSpec,
    output: Path,
    resources: Resources,
    shard: Shard | None = None,
) -> Generator[Candidate, None, None]:
    """Draw the candidates that are not on disk; close it to stop the crew."""
    with crew(spec, resources, output) as workers:
        wanted = batches(spec, staging.indices(), shard)
        yield from produce(spec, workers, wanted, output=output, staging=staging, demand=demand)


def _identities(spec: BuildSpec, records: Sequence[Record]) -> dict[int, Identity]:
    """Return the accepted candidates' identities by number."""
    accepted = {record.index for record in records if record.images}
    stream = islice(spec.identities(), len(records))
    return {identity.index: identity for identity in stream if identity.index in accepted}


def _select(spec: BuildSpec, staging: Staging, source: Source) -> list[Record]:
    """Judge candidates in order until enough are accepted; those on disk are not drawn again."""
    needed, staged, twins = spec.num_identities, staging.indices(), TwinCheck(spec.picture)
    on_disk = sum(bool(staging.read(index).images) for index in staged)
    demand = Demand(missing=needed - on_disk)
    records: list[Record] = []
    with closing(source.candidates(staging, demand)) as drawn, Progress(0, needed) as progress:
        while progress.num_accepted < needed:
            index = len(records)
            is_new = index not in staged
            if is_new:
                candidate = next(drawn, None)
                if candidate is None:
                    raise UserError(
                        f"{source.used_up} after {index} candidates, of which "
                        f"{progress.num_accepted} were accepted; {source.advice}"
                    )
                found = staging.write(candidate)
                demand.missing -= bool(found.images)
            else:
                found = staging.read(index)
            record = twins.judge(found)
            demand.missing += bool(found.images) - bool(record.images)
            records.append(record)
            progress.count(record, is_new=is_new)
    return records

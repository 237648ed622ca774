"""Who does the work of a build: the objects that draw and those that finish, and where they are."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import UserError
from ..extras import require
from .candidate import CandidateMaker
from .drawer import Drawer
from .pools import Pool, here, processes
from .spec import BuildSpec

LOCAL, RAY = "local", "ray"
EXECUTORS = (LOCAL, RAY)
_WORKERS_PER_DRAWER = 16  # U2Net takes a core 50 s a canvas, a GPU draws one in 3 to 13 s
_WORKER_BYTES = 2 << 30  # with U2Net, which takes 1.3 GB
_VISIBLE = "CUDA_VISIBLE_DEVICES"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a build may use. It changes nothing in the set.

    Attributes:
        workers: processes that cut out and fuse (and draw, if the route needs no model), on a
            cluster those of all its machines; None: as many as its cores can feed.
        gpus: processes that draw with a model, one for each GPU; 0: the build's own process alone,
            or on a cluster one for each of its GPUs.
        executor: "local" for this machine, "ray" for a Ray cluster.
        address: of the cluster; empty for the one of this machine, or a new one on it.
    """

    workers: int | None = None
    gpus: int = 0
    executor: str = LOCAL
    address: str = ""

    def __post_init__(self) -> None:
        """Refuse what no machine has.

        Raises:
            UserError: too few, or a word that is none of the choices.
        """
        if self.workers is not None and self.workers < 1:
            raise UserError(f"workers is {self.workers}, must be 1 or more")
        if self.gpus < 0:
            raise UserError(f"gpus is {self.gpus}, must be 0 or more")
        if self.executor not in EXECUTORS:
            raise UserError(f"executor is {self.executor!r}, must be {' or '.join(EXECUTORS)}")
        if self.address and self.executor != RAY:
            raise UserError(f"address is {self.address!r}, but only executor {RAY} has one")


@dataclass(frozen=True, kw_only=True)
class Crew:
    """The objects at work.

    Attributes:
        drawers: each a :class:`~geneperson.pipeline.drawer.Drawer`.
        workers: each a :class:`~geneperson.pipeline.candidate.CandidateMaker`.
    """

    drawers: Pool
    workers: Pool


def refuse_unused_gpus(spec: BuildSpec, resources: Resources) -> None:
    """Refuse GPUs for a route that draws without a model.

    Raises:
        UserError: there are some.
    """
    if spec.route.draws_in_workers and resources.gpus:
        raise UserError(f"--gpus: SYNTHESIS.NAME {spec.route.name!r} draws in the --workers")


@contextmanager
def crew(spec: BuildSpec, resources: Resources, output: Path) -> Iterator[Crew]:
    """Start the crew of a build; it is stopped at once when the block ends.

    Args:
        spec: the build.
        resources: what it may use.
        output: folder of the data set; all machines of a cluster must see it.

    Raises:
        UserError: there is no such machine, or a process died.
    """
    refuse_unused_gpus(spec, resources)
    if resources.executor == RAY:
        from .ray_crew import ray_crew

        with ray_crew(spec, resources, output) as found:
            yield found
        return
    if spec.route.draws_in_workers:
        with workers(spec, resources) as pool:
            yield Crew(drawers=pool, workers=pool)
        return
    draw = partial(Drawer, spec)
    with workers(spec, resources) as pool:
        if not resources.gpus:
            with here(draw) as drawers:
                yield Crew(drawers=drawers, workers=pool)
            return
        with processes(draw, _one_gpu_each(resources.gpus)) as drawers:
            yield Crew(drawers=drawers, workers=pool)


@contextmanager
def workers(spec: BuildSpec, resources: Resources) -> Iterator[Pool]:
    """Start the workers of this machine.

    A single one that also draws is this process. One that finishes what a model draws is another
    process, so that it cuts out while the model draws.
    """
    make = partial(CandidateMaker, spec)
    number = count_workers(spec, resources)
    if number == 1 and spec.route.draws_in_workers:
        with here(make) as pool:
            yield pool
        return
    with processes(make, [{}] * number) as pool:
        yield pool


def count_workers(spec: BuildSpec, resources: Resources) -> int:
    """Return how many workers a build on this machine has: no more than identities."""
    return min(resources.workers or _usual_workers(spec, resources), spec.num_identities)


def _usual_workers(spec: BuildSpec, resources: Resources) -> int:
    """Return how many workers this machine's cores and memory can feed."""
    cores = len(os.sched_getaffinity(0))
    if spec.route.draws_in_workers:
        return cores
    num_drawers = max(1, resources.gpus)
    by_memory = available_memory() // _WORKER_BYTES
    return max(1, min(cores - num_drawers, _WORKERS_PER_DRAWER * num_drawers, by_memory))


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return the bytes that new processes can have, with those that cached files would give back.

    ``SC_AVPHYS_PAGES`` leaves the latter out: it is near 0 after models were fetched or read.
    """
    (line,) = re.findall(r"MemAvailable:\s*(\d+) kB", meminfo.read_text())
    return int(line) << 10


def _one_gpu_each(number: int) -> list[dict[str, str]]:
    """Return the variables that show each drawing process a GPU of its own."""
    torch = require("torch", "--gpus")
    if not torch.cuda.is_available():
        logger.info("no GPU on this machine: %d processes draw on the CPU", number)
        return [{}] * number
    found = torch.cuda.device_count()
    if number > found:
        raise UserError(f"--gpus is {number}, but this machine shows {found}")
    visible = os.environ.get(_VISIBLE) or ",".join(map(str, range(found)))
    return [{_VISIBLE: name} for name in visible.split(",")[:number]]

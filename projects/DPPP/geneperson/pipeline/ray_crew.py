"""The crew of a build on a Ray cluster: the same objects, each in an actor.

An actor that dies is started again and its work repeated, which changes nothing, because equal
arguments give equal results.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2

from ..errors import UserError
from ..extras import require
from .candidate import CandidateMaker
from .crew import Crew, Resources
from .drawer import Drawer
from .pools import AHEAD_PER_PROCESS, Factory, Pool
from .spec import BuildSpec

_MAX_DEATHS = 3  # of actors while they work on one call


class _Holder:
    """What an actor holds: an object, made when first called so that its errors reach the build."""

    def __init__(self, factory: Factory) -> None:
        cv2.setNumThreads(1)
        self._factory = factory
        self._object: object | None = None

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the object."""
        if self._object is None:
            self._object = self._factory()
        return getattr(self._object, method)(*arguments)

    def blind(self, folder: str) -> str | None:
        """Return the name of this machine if it does not see a folder."""
        return None if Path(folder).is_dir() else platform.node()


class _Actors:
    """Equal actors that are called in turn."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self._next = cycle(actors)
        self.ahead = AHEAD_PER_PROCESS * len(actors)

    def submit(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the next actor."""
        future: Future[Any] = next(self._next).call.remote(method, *arguments).future()
        return future


@contextmanager
def ray_crew(spec: BuildSpec, resources: Resources, output: Path) -> Iterator[Crew]:
    """Start the crew on a cluster; see :func:`~geneperson.pipeline.crew.crew`.

    Raises:
        UserError: Ray is not installed, no cluster answers, it is too small, one of its machines
            does not see the output folder, or actors keep dying.
    """
    ray = require("ray", "--executor ray", install='pip install "dppp-fastreid[ray]"')
    with _connected(ray, resources.address):
        found = ray.cluster_resources()
        num_workers = min(resources.workers or int(found.get("CPU", 1)), spec.num_identities)
        num_gpus = int(found.get("GPU", 0))
        num_drawers = 0 if spec.route.draws_in_workers else resources.gpus or max(1, num_gpus)
        for what, asked, there in (
            ("--workers", num_workers, int(found.get("CPU", 0))),
            ("--gpus", num_drawers if num_gpus else 0, num_gpus),
        ):
            if asked > there:
                raise UserError(f"{what} is {asked}, but the Ray cluster has {there}")
        holder, tolerant = (
            ray.remote(_Holder),
            {"max_restarts": -1, "max_task_retries": _MAX_DEATHS},
        )
        worker = holder.options(num_cpus=1, **tolerant)
        drawer = holder.options(num_cpus=0, num_gpus=min(1, num_gpus), **tolerant)
        make, draw = partial(CandidateMaker, spec), partial(Drawer, spec)
        workers = [worker.remote(make) for _ in range(num_workers)]
        drawers = [drawer.remote(draw) for _ in range(num_drawers)]
        try:
            blind = ray.get([one.blind.remote(str(output.resolve())) for one in workers])
            for machine in filter(None, blind):
                raise UserError(
                    f"{machine} does not see {output.resolve()}; choose an --output that all "
                    "machines of the cluster share"
                )
            pool: Pool = _Actors(workers)
            yield Crew(drawers=_Actors(drawers) if drawers else pool, workers=pool)
        finally:
            for one in (*workers, *drawers):
                ray.kill(one)


@contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """Connect to a cluster, and turn what Ray raises into one line."""
    try:
        ray.init(
            address=address or None,
            include_dashboard=False if not address else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:  # connection, versions, resources: each raises its own
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"--executor ray: no cluster at {address or 'this machine'}: {reason}"
        ) from error
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise UserError(
            "an actor of the Ray cluster died again and again, most likely because memory ran out; "
            "run the same command again with fewer --workers"
        ) from error
    finally:
        ray.shutdown()

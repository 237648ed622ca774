"""Candidates drawn by several processes and handed out in the order of their numbers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TypeVar

import cv2

from ..errors import UserError
from ..prompting.prompts import Identity
from ..synthesis import Characters
from ..worlds.scenes import Painter
from .candidate import Candidate, CandidateMaker, Judged
from .spec import BuildSpec

Drawing = tuple[Identity, list[Characters]]  # an identity with all its canvases

T = TypeVar("T")
R = TypeVar("R")

_IN_FLIGHT_PER_WORKER = 2  # enough to keep a worker busy while the main process writes

_spec: BuildSpec | None = None  # of a worker process
_maker: CandidateMaker | None = None


def make_in_order(
    spec: BuildSpec, identities: Iterable[Identity], num_workers: int
) -> Generator[Candidate, None, None]:
    """Yield one candidate per identity, in their order, drawn by the workers.

    A single worker is this process; several are processes of their own. Close the generator to
    stop them at once. Only a few candidates are in flight at any time, so memory stays bounded.

    Args:
        spec: the build.
        identities: whom to draw.
        num_workers: processes that draw, at least 1.
    """
    if num_workers == 1:
        yield from _make_in_process(spec, identities)
        return
    with _pool(spec, num_workers) as pool:
        yield from _through(pool, _make, identities, _IN_FLIGHT_PER_WORKER * num_workers)


def finish_in_order(
    spec: BuildSpec,
    canvases: Iterable[Drawing],
    num_workers: int,
    paint: Callable[[Iterable[Judged]], Iterable[tuple[Judged, Painter]]],
) -> Generator[Candidate, None, None]:
    """Yield one candidate per canvas that this process draws, in their order.

    Even a single worker is another process, so that it cuts out while this one draws.

    Args:
        spec: the build.
        canvases: identities with their canvases.
        num_workers: processes that cut out and fuse, at least 1.
        paint: passes judged candidates on, each with what gives its backgrounds to a worker.
    """
    in_flight = _IN_FLIGHT_PER_WORKER * num_workers
    with _pool(spec, num_workers) as pool:
        # a batch to work on while the next one is drawn
        judged = _through(pool, _judge, canvases, in_flight + spec.route.batch_size)
        yield from _through(pool, _finish, paint(judged), in_flight)


def _make_in_process(
    spec: BuildSpec, identities: Iterable[Identity]
) -> Generator[Candidate, None, None]:
    num_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        maker = CandidateMaker(spec)
        for identity in identities:
            yield maker.make(identity)
    finally:
        cv2.setNumThreads(num_threads)


@contextmanager
def _pool(spec: BuildSpec, num_workers: int) -> Iterator[ProcessPoolExecutor]:
    """Start worker processes; they are stopped at once when the block ends."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        num_workers,
        mp_context=multiprocessing.get_context("spawn"),  # fork would copy OpenCV's threads
        initializer=_start_worker,
        initargs=(spec,),
    )
    try:
        yield pool
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process died, most likely because memory ran out; run the same command again "
            "with fewer --workers"
        ) from error
    finally:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _through(
    pool: ProcessPoolExecutor, function: Callable[[T], R], items: Iterable[T], max_in_flight: int
) -> Iterator[R]:
    """Yield ``function(item)`` of each item in order, computed by the pool."""
    in_flight: deque[Future[R]] = deque()
    for item in items:
        in_flight.append(_submit(pool, function, item))
        if len(in_flight) >= max_in_flight:
            yield in_flight.popleft().result()
    while in_flight:
        yield in_flight.popleft().result()


def _submit(pool: ProcessPoolExecutor, function: Callable[[T], R], item: T) -> Future[R]:
    """Submit with Ctrl-C blocked: processes started now inherit that and leave it to us."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(function, item)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(spec: BuildSpec) -> None:
    """Prepare a worker process; it must not outlive a parent that was killed."""
    global _spec
    threading.Thread(target=_die_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _spec = spec


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _the_maker() -> CandidateMaker:
    global _maker
    if _maker is None:  # not in the initializer, whose errors never reach the main process
        if _spec is None:
            raise RuntimeError("the worker process was not initialized")
        _maker = CandidateMaker(_spec)
    return _maker


def _make(identity: Identity) -> Candidate:
    return _the_maker().make(identity)


def _judge(drawing: Drawing) -> Judged:
    return _the_maker().judge(*drawing)


def _finish(job: tuple[Judged, Painter]) -> Candidate:
    return _the_maker().finish(*job)

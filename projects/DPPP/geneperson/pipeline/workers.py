"""Candidates drawn by several processes and handed out in the order of their numbers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from pathlib import Path

import cv2

from ..errors import UserError
from ..prompting.prompts import Identity
from ..synthesis import Characters
from .candidate import Candidate, CandidateMaker
from .spec import BuildSpec

Job = tuple[Identity, Characters | None]

_IN_FLIGHT_PER_WORKER = 2  # enough to keep a worker busy while the main process writes

_spec: BuildSpec | None = None  # of a worker process
_scenes_dir: Path | None = None
_maker: CandidateMaker | None = None


def draw_in_order(
    spec: BuildSpec, jobs: Iterable[Job], num_workers: int, scenes_dir: Path | None = None
) -> Generator[Candidate, None, None]:
    """Yield one candidate per job, in the order of the jobs.

    A single worker is this process; several are processes of their own. Close the generator to
    stop them at once. Only a few candidates are in flight at any time, so memory stays bounded.

    Args:
        spec: the build.
        jobs: identities, each with its canvas, or None if the worker draws it.
        num_workers: processes that draw, at least 1.
        scenes_dir: folder of background pictures, if the canvases are drawn in this process. Even
            a single worker is then another process, so that it cuts out while this one draws.
    """
    if num_workers == 1 and scenes_dir is None:
        yield from _draw_in_process(spec, jobs)
    else:
        yield from _draw_in_pool(spec, jobs, num_workers, scenes_dir)


def _draw_in_process(spec: BuildSpec, jobs: Iterable[Job]) -> Generator[Candidate, None, None]:
    num_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        maker = CandidateMaker(spec)
        for job in jobs:
            yield maker.make(*job)
    finally:
        cv2.setNumThreads(num_threads)


def _draw_in_pool(
    spec: BuildSpec, jobs: Iterable[Job], num_workers: int, scenes_dir: Path | None
) -> Generator[Candidate, None, None]:
    max_in_flight = _IN_FLIGHT_PER_WORKER * num_workers
    if scenes_dir is not None:  # a batch to work on while the next one is drawn
        max_in_flight += spec.route.batch_size
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        num_workers,
        mp_context=multiprocessing.get_context("spawn"),  # fork would copy OpenCV's threads
        initializer=_start_worker,
        initargs=(spec, scenes_dir),
    )
    in_flight: deque[Future[Candidate]] = deque()
    try:
        for job in jobs:
            in_flight.append(_submit(pool, job))
            if len(in_flight) >= max_in_flight:
                yield in_flight.popleft().result()
        while in_flight:
            yield in_flight.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process died, most likely because memory ran out; run the same command again "
            "with fewer --workers"
        ) from error
    finally:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, job: Job) -> Future[Candidate]:
    """Submit with Ctrl-C blocked: processes started now inherit that and leave it to us."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_draw, job)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(spec: BuildSpec, scenes_dir: Path | None) -> None:
    """Prepare a worker process; it must not outlive a parent that was killed."""
    global _spec, _scenes_dir
    threading.Thread(target=_die_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _spec, _scenes_dir = spec, scenes_dir


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _draw(job: Job) -> Candidate:
    global _maker
    if _maker is None:  # not in the initializer, whose errors never reach the main process
        if _spec is None:
            raise RuntimeError("the worker process was not initialised")
        _maker = CandidateMaker(_spec, scenes_dir=_scenes_dir)
    return _maker.make(*job)

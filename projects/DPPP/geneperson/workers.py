"""Candidates drawn by several processes and handed out in the order of their numbers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

import cv2
from yacs.config import CfgNode

from .candidate import Candidate, CandidateMaker
from .errors import UserError
from .prompts import Identity

_IN_FLIGHT_PER_WORKER = 2  # enough to keep a worker busy while the main process writes

_cfg: CfgNode | None = None  # of a worker process
_maker: CandidateMaker | None = None


def draw_in_order(
    cfg: CfgNode, identities: Iterable[Identity], num_workers: int
) -> Iterator[Candidate]:
    """Yield one candidate per identity, in the order of the identities.

    One worker draws in this process; more are processes of their own. Close the generator to stop
    them at once. Only a few candidates are in flight at any time, so memory stays bounded.
    """
    if num_workers == 1:
        yield from _draw_here(cfg, identities)
    else:
        yield from _draw_in_pool(cfg, identities, num_workers)


def _draw_here(cfg: CfgNode, identities: Iterable[Identity]) -> Iterator[Candidate]:
    num_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        maker = CandidateMaker(cfg)
        for identity in identities:
            yield maker.make(identity)
    finally:
        cv2.setNumThreads(num_threads)


def _draw_in_pool(
    cfg: CfgNode, identities: Iterable[Identity], num_workers: int
) -> Iterator[Candidate]:
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        num_workers,
        mp_context=multiprocessing.get_context("spawn"),  # fork would copy OpenCV's threads
        initializer=_start_worker,
        initargs=(cfg,),
    )
    in_flight: deque[Future[Candidate]] = deque()
    try:
        for identity in identities:
            in_flight.append(_submit(pool, identity))
            if len(in_flight) >= _IN_FLIGHT_PER_WORKER * num_workers:
                yield in_flight.popleft().result()
        while in_flight:
            yield in_flight.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process died, most likely for want of memory; run the same command again "
            "with fewer --workers"
        ) from error
    finally:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, identity: Identity) -> Future[Candidate]:
    """Submit with Ctrl-C blocked: processes started here inherit that, and leave it to us."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_draw, identity)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(cfg: CfgNode) -> None:
    """Prepare a worker process; it must not outlive a parent that was killed."""
    global _cfg
    threading.Thread(target=_die_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _cfg = cfg


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _draw(identity: Identity) -> Candidate:
    global _maker
    if _maker is None:  # not in the initializer, whose errors never reach the main process
        _maker = CandidateMaker(_cfg)
    return _maker.make(identity)

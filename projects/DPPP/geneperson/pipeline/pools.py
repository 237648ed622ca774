"""Objects that work in this process or in others, behind one way of calling them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, Protocol, TypeVar

import cv2

from ..errors import UserError

Factory = Callable[[], object]  # picklable, for a pool of processes

T = TypeVar("T")
R = TypeVar("R")

AHEAD_PER_PROCESS = 2  # enough to keep one busy while the main process writes

_factory: Factory | None = None  # of this process, if it belongs to a pool
_object: object | None = None


class Pool(Protocol):
    """Several equal objects.

    Attributes:
        ahead: calls that keep all of them busy.
    """

    ahead: int

    def submit(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of an object that is free."""


class Here:
    """One object in this process, made when first called; a call returns when it is done."""

    ahead = 1

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self._object: object | None = None

    def submit(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the object."""
        if self._object is None:
            self._object = self._factory()
        done: Future[Any] = Future()
        done.set_result(getattr(self._object, method)(*arguments))
        return done


class _Processes:
    """One object in each process."""

    def __init__(self, executor: ProcessPoolExecutor, number: int) -> None:
        self._executor = executor
        self.ahead = AHEAD_PER_PROCESS * number

    def submit(self, method: str, *arguments: Any) -> Future[Any]:
        """Submit with Ctrl-C blocked: processes started now inherit that and leave it to us."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._executor.submit(_call, method, *arguments)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def here(factory: Factory) -> Iterator[Pool]:
    """Work in this process, with OpenCV on one thread like in every other process."""
    num_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield Here(factory)
    finally:
        cv2.setNumThreads(num_threads)


@contextmanager
def processes(factory: Factory, environments: Sequence[Mapping[str, str]]) -> Iterator[Pool]:
    """Start processes; they are stopped at once when the block ends.

    Args:
        factory: makes the object of a process, when it is first called.
        environments: variables to set in each process.

    Raises:
        UserError: a process died.
    """
    number, others = len(environments), set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")  # fork would copy OpenCV's threads
    starts = context.SimpleQueue()
    for variables in environments:  # nobody reads yet: the pipe holds 64 KB, a factory may not fit
        starts.put(dict(variables))
    executor = ProcessPoolExecutor(
        number, mp_context=context, initializer=_start, initargs=(starts, factory)
    )
    try:
        yield _Processes(executor, number)
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process died, most likely because memory ran out; run the same command again "
            "with fewer --workers"
        ) from error
    finally:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        executor.shutdown(cancel_futures=True)


def in_order(
    submit: Callable[[T], Future[R]], items: Iterable[T], max_in_flight: Callable[[], int]
) -> Iterator[R]:
    """Yield the result of each item in their order; a few are worked on at the same time.

    Args:
        submit: starts the work on one item.
        items: taken one by one, when there is room for another.
        max_in_flight: how many may be worked on or wait to be taken, asked before each.
    """
    in_flight: deque[Future[R]] = deque()
    for item in items:
        in_flight.append(submit(item))
        while in_flight and len(in_flight) >= max_in_flight():
            yield in_flight.popleft().result()
    while in_flight:
        yield in_flight.popleft().result()


def _start(starts: Any, factory: Factory) -> None:
    """Prepare a process; it must not outlive a parent that was killed."""
    global _factory
    threading.Thread(target=_die_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    os.environ.update(starts.get())
    _factory = factory


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _call(method: str, *arguments: Any) -> Any:
    global _object
    if _object is None:  # not in the initializer, whose errors never reach the main process
        if _factory is None:
            raise RuntimeError("the process was not initialized")
        _object = _factory()
    return getattr(_object, method)(*arguments)

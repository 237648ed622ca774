"""Worker processes: how many, and what is said when one is killed."""

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator

import pytest
import torch
from fastreid.config import CfgNode
from torch.utils.data import DataLoader

from dppp import UserError
from dppp.data import build_train_loader, device_loader
from dppp.data.device_loader import DeviceLoader
from dppp.data.workers import count_workers
from dppp_commands.command_line import status_of


def test_the_number_is_as_said_or_the_machines() -> None:
    assert [count_workers(number) for number in (0, 3, 50)] == [0, 3, 50]
    assert count_workers(-1) == min(8, len(os.sched_getaffinity(0)))
    with pytest.raises(UserError, match=r"DATALOADER\.NUM_WORKERS is -2"):
        count_workers(-2)


@pytest.mark.parametrize("cache", ["", "ram"])
def test_a_killed_worker_is_one_line(
    quickstart: Callable[..., CfgNode], capsys: pytest.CaptureFixture[str], cache: str
) -> None:
    keys = ("DATALOADER.NUM_WORKERS", 1, "DATALOADER.CACHE", cache)

    def train() -> int:
        batches = iter(build_train_loader(quickstart(*keys)))
        others = set(multiprocessing.active_children())
        next(batches)
        (worker,) = set(multiprocessing.active_children()) - others
        os.kill(worker.pid, signal.SIGKILL)
        return len(list(itertools.islice(batches, 1000)))

    assert status_of(train, "stopped") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: DataLoader worker (pid")
    assert line.endswith("if memory ran out, lower DATALOADER.NUM_WORKERS")


class Dying(DataLoader):
    """Its second batch is lost: torch's message between the processes has failed."""

    def __iter__(self) -> Iterator[dict]:
        yield {"images": torch.zeros(1, dtype=torch.uint8)}
        raise ConnectionResetError("reset")


def test_a_worker_killed_while_it_hands_a_batch_over(capsys: pytest.CaptureFixture[str]) -> None:
    """Torch says so a moment later, from a signal handler."""

    def handler(*_: object) -> None:
        raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Killed.")

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        status = status_of(lambda: len(list(DeviceLoader(Dying([0]), "cpu"))), "stopped")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert status == 1
    assert capsys.readouterr().err.startswith("error: DataLoader worker (pid 1) is killed")


def test_a_connection_that_is_lost_for_another_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_loader, "NOTICE_SEC", 0)
    with pytest.raises(ConnectionResetError, match="reset"):
        list(DeviceLoader(Dying([0]), "cpu"))

"""Builds in processes of their own, to be stopped in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers import ROOT

TOOL = ROOT / "tools" / "geneperson_gen.py"


def start(config: Path, output: Path, log: Path, *options: object) -> subprocess.Popen:
    """Start a build with a worker in a session of its own, on one thread as here."""
    arguments = ["build", "--config-file", config, "--output", output, "--workers", 1, *options]
    with log.open("w") as stderr:
        return subprocess.Popen(
            [sys.executable, TOOL, *map(str, arguments)],
            cwd="/",
            stderr=stderr,
            start_new_session=True,
            # where a shell runs the tests in the background, they and their children ignore it
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env=os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        )


def wait_until(happened: Callable[[], object], process: subprocess.Popen | None) -> None:
    """Wait while a process, if any, runs."""
    deadline = time.monotonic() + 120
    while not happened():
        assert process is None or process.poll() is None, "it ended before that"
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.002)


def alive(session: int) -> list[int]:
    """List the processes of a build's session."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):  # "*/stat" fails if one ends meanwhile
        try:
            state, *numbers = (process / "stat").read_text().rsplit(")", 1)[1].split()[:4]
        except OSError:  # ended while we looked
            continue
        if state != "Z" and int(numbers[2]) == session:
            found.append(int(process.name))
    return found


@contextmanager
def paused(*processes: subprocess.Popen) -> Iterator[None]:
    """Keep builds from getting any further during the block, with all their processes."""
    for process in processes:
        os.killpg(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGCONT)


def kill_all(process: subprocess.Popen) -> None:
    """Kill a build as a power cut would: with all its processes."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)

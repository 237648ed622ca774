"""Scripts run as people run them, in processes of their own, without the wait for imports.

Importing torch, FastReID and open_clip takes seconds. A server imports them once; each process is a
fork of it, with its own folder, environment, arguments and streams. What happens
while a module is imported is not tested so.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from helpers import free_url

TIMEOUT_S = 300
UNCHANGED: Mapping[str, str] = MappingProxyType({})

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    ["dppp.reproduce", "dppp.inference.attention", "dppp.inference.ranked_sets"]
)


class Script:
    """A Python file that runs in a process of its own.

    Args:
        path: the file.
        arguments: of its command line.
        cwd: folder to run in.
        environment: variables that differ from this process's.
    """

    def __init__(
        self, path: Path, *arguments: object, cwd: Path, environment: Mapping[str, str] = UNCHANGED
    ) -> None:
        self.arguments = [str(path), *map(str, arguments)]
        self._streams = [tempfile.NamedTemporaryFile() for _ in range(2)]
        files = [stream.name for stream in self._streams]
        variables = {**os.environ, **environment}
        self._process = _SERVER.Process(target=_run, args=(self.arguments, cwd, variables, files))
        self._process.start()

    def wait(self) -> subprocess.CompletedProcess[str]:
        """Return its status and what it printed."""
        self._process.join(TIMEOUT_S)
        if self._process.exitcode is None:
            self._process.kill()
        status = self._process.exitcode
        printed = [stream.read().decode() for stream in self._streams]
        assert status is not None, f"{self.arguments}: not done in {TIMEOUT_S} s: {printed}"
        return subprocess.CompletedProcess(self.arguments, status, *printed)


def run(
    path: Path, *arguments: object, cwd: Path, environment: Mapping[str, str] = UNCHANGED
) -> subprocess.CompletedProcess[str]:
    """Run a script to its end."""
    return Script(path, *arguments, cwd=cwd, environment=environment).wait()


def torchrun(count: int, path: Path, *arguments: object, cwd: Path) -> None:
    """Run a script in ``count`` processes that torchrun might have started, each to its end."""
    port = free_url().rpartition(":")[2]
    shared = {"TORCHELASTIC_RUN_ID": "test", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    shared |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]
    scripts = [Script(path, *arguments, cwd=cwd, environment=shared | rank) for rank in ranks]
    for script in scripts:
        result = script.wait()
        assert result.returncode == 0, result.stderr


def _run(arguments: list[str], cwd: Path, environment: Mapping[str, str], files: list[str]) -> None:
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    sys.path.insert(0, os.path.dirname(arguments[0]))  # as Python does, and runpy does not
    runpy.run_path(arguments[0], run_name="__main__")

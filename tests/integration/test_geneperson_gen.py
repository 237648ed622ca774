"""The command line as people run it: in processes of its own, from another folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stopping import alive

from helpers import ROOT

TOOL = ROOT / "tools" / "geneperson_gen.py"
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
BUILD = ["build", "--config-file", "{cfg}", "--output", "{out}"]
CONFIG = """
_BASE_: {base}
IDENTITIES: {{TRAIN: 3, TEST: 2}}
CANVAS: {{COLUMNS: 3, ROWS: 2, CELL_SIZE: [128, 64]}}
SCENES: {{POOL_SIZE: 1}}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "small.yml"
    path.write_text(CONFIG.format(base=ROOT / "configs" / "GenePerson" / "procedural.yml"))
    return path


@pytest.fixture(scope="module")
def pristine(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("set") / "pristine"
    assert run("build", "--config-file", config, "--output", output).returncode == 0
    return output


@pytest.fixture
def dataset(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "dataset"))


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(TOOL), *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(command(*arguments), cwd="/", capture_output=True, text=True, timeout=120)


def digest(directory: Path) -> str:
    return json.loads((directory / "dataset.json").read_text())["digest"]


def assert_refused(result: subprocess.CompletedProcess, *parts: str) -> None:
    """One line, status 2, no traceback."""
    lines = result.stderr.strip().splitlines()
    assert result.returncode == 2, result.stderr
    assert len(lines) == 1 and lines[0].startswith("error: "), result.stderr
    assert all(part in lines[0] for part in parts), result.stderr


def assert_found(result: subprocess.CompletedProcess, *parts: str) -> None:
    """Problems on stdout, one a line, and status 1."""
    assert result.returncode == 1, result.stderr
    assert result.stderr == ""
    assert any(all(part in line for part in parts) for line in result.stdout.splitlines()), (
        result.stdout
    )


def test_verify_of_what_was_built_is_silent(pristine: Path) -> None:
    result = run("verify", pristine)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_flipped_byte(dataset: Path) -> None:
    path = next((dataset / "query").iterdir())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert_found(run("verify", dataset), f"query/{path.name}", "altered")


def test_renamed_file(dataset: Path) -> None:
    path = next((dataset / "bounding_box_train").iterdir())
    path.rename(path.with_name("0009_c1s1_000000_00.jpg"))
    assert_found(run("verify", dataset), path.name, "0009_c1s1_000000_00.jpg")


def test_deleted_line(dataset: Path) -> None:
    lines = (dataset / "images.jsonl").read_text().splitlines(keepends=True)
    (dataset / "images.jsonl").write_text("".join(lines[1:]))
    assert_found(run("verify", dataset), json.loads(lines[0])["file"])


def test_truncated_image(dataset: Path) -> None:
    path = next((dataset / "bounding_box_test").iterdir())
    path.write_bytes(path.read_bytes()[:300])
    assert_found(run("verify", dataset), path.name, "truncated")


def test_extra_file(dataset: Path) -> None:
    (dataset / "query" / "more.jpg").write_bytes(b"")
    assert_found(run("verify", dataset), "query/more.jpg", "extra")


def test_two_workers_and_options_before_a_config_file(
    pristine: Path, config: Path, tmp_path: Path
) -> None:
    output = tmp_path / "set"
    arguments = ("--workers", 2, "--output", output, "--config-file", config, "SEED", 0)
    result = run("build", *arguments)
    assert result.returncode == 0, result.stderr
    assert digest(output) == digest(pristine) and digest(pristine) in result.stdout
    again = run("build", *arguments)
    assert again.returncode == 0 and "already complete" in again.stderr


def staged(output: Path) -> list[str]:
    folder = output / ".build" / "identities"
    return [path.name for path in folder.glob("*") if path.suffix != ".tmp"]


def start(arguments: list[object], log: Path) -> subprocess.Popen:
    """Start a build in a session of its own; its stderr is a file, which no worker holds up."""
    with log.open("w") as stderr:
        return subprocess.Popen(
            command("build", *arguments),
            cwd="/",
            stderr=stderr,
            start_new_session=True,
            # where a shell runs the tests in the background, they and their children ignore it
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


def wait_until(happened: Callable[[], object], process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)


@needs_proc
@pytest.mark.parametrize("workers", [1, 2])
def test_kill_in_the_middle_and_run_again(config: Path, tmp_path: Path, workers: int) -> None:
    reference, output = tmp_path / "reference", tmp_path / "set"
    more = ("--identities", 20, "--test-identities", 2)
    assert run("build", "--config-file", config, "--output", reference, *more).returncode == 0
    arguments = ["--config-file", config, "--output", output, "--workers", workers, *more]
    process = start(arguments, tmp_path / "log")
    wait_until(lambda: staged(output), process)
    process.kill()
    process.wait(timeout=30)
    assert not (output / "dataset.json").exists()
    assert_found(run("verify", output), "unfinished build")
    assert_workers_are_gone(process.pid)
    assert 0 < len(staged(output)) < 22
    drawn_before = inodes(output)
    assert run("build", *arguments).returncode == 0
    assert drawn_before <= inodes(output), "what was on disk was drawn again"
    assert digest(output) == digest(reference)
    assert run("verify", output).returncode == 0


def inodes(output: Path) -> set[int]:
    """Identify the whole images of a build, also after they were moved into place."""
    return {
        path.stat().st_ino
        for path in output.rglob("*.jpg")
        if not any(part.endswith(".tmp") for part in path.parts)
    }


def assert_workers_are_gone(session: int) -> None:
    """They may need a moment to notice; those that never do are ended here."""
    deadline = time.monotonic() + 10
    while alive(session) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = alive(session)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, "worker processes outlived the build"


@needs_proc
@pytest.mark.parametrize("moment", ["workers start", "workers draw"])
def test_ctrl_c_says_how_to_go_on(config: Path, tmp_path: Path, moment: str) -> None:
    output = tmp_path / "set"
    arguments = ["--config-file", config, "--output", output, "--identities", 200, "--workers", 2]
    process = start(arguments, tmp_path / "log")
    if moment == "workers draw":
        wait_until(lambda: staged(output), process)
    else:  # main process, multiprocessing's resource tracker, two workers that are importing
        wait_until(lambda: len(alive(process.pid)) >= 4, process)
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to every process
    assert process.wait(timeout=30) == 130
    assert_workers_are_gone(process.pid)
    stderr = (tmp_path / "log").read_text()
    assert "Traceback" not in stderr
    assert stderr.strip().splitlines()[-1].startswith("stopped; run the same command")


def test_two_builds_at_once(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "set"
    arguments = ["--config-file", config, "--output", output, "--identities", 200]
    process = start(arguments, tmp_path / "log")
    try:
        wait_until(lambda: staged(output), process)
        assert_refused(run("build", *arguments), "another build is writing here")
    finally:
        process.kill()
        process.wait(timeout=30)


def test_stats_and_preview(pristine: Path, tmp_path: Path) -> None:
    result = run("stats", pristine)
    assert result.returncode == 0 and "5 (3 train, 2 test)" in result.stdout
    result = run("preview", pristine, "--output", tmp_path / "preview.png")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_config_file_the_defaults_are_the_settings(tmp_path: Path) -> None:
    small = "CANVAS.COLUMNS 2 CANVAS.ROWS 2 CANVAS.CELL_SIZE (64,32) QUALITY.MIN_CELLS 1".split()
    result = run("build", "--output", tmp_path / "set", "--identities", 1, *small)
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert record["configuration"]["SYNTHESIS"]["NAME"] == "procedural"
    assert record["identities"] == {"train": 1, "test": 0}
    result = run("plan", "--identities", 1, *small)
    assert result.returncode == 0 and "1 (1 train, 0 test)" in result.stdout, result.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["build", "--config-file", "/none.yml", "--output", "{out}"], ["/none.yml"]),
        ([*BUILD, "NO.KEY", "1"], ["'NO.KEY'"]),
        ([*BUILD, "SEED", "x"], ["SEED", "int"]),
        ([*BUILD, "SEED"], ["has no value"]),
        ([*BUILD, "--workers", "0"], ["workers"]),
        ([*BUILD, "--workers", "x"], ["--workers"]),
        ([*BUILD, "--identities", "-1"], ["-1"]),
        ([*BUILD, "--only", "1", "--shard", "1/2"], ["--only", "leave out", "--shard"]),
        ([*BUILD, "--only", "1", "--gpus", "2"], ["--only", "leave out", "--gpus"]),
        ([*BUILD, "--only", "1", "--accept-code-change"], ["--only", "--accept-code-change"]),
        ([*BUILD, "--identities", "0", "--test-identities", "0"], ["IDENTITIES.TRAIN"]),
        (["build", "--config-file", "{cfg}", "--output", "{cfg}"], ["not a folder"]),
        (["build", "--config-file", "{cfg}"], ["--output"]),
        (["verify", "/none"], ["/none is not a folder"]),
        (["stats", "/none"], ["/none"]),
        (["preview", "/none", "--output", "{out}"], ["/none"]),
        (["paint"], ["paint"]),
        ([], ["command"]),
    ],
)
def test_mistakes_get_one_line(
    config: Path, tmp_path: Path, arguments: list[str], parts: list[str]
) -> None:
    filled = [part.format(cfg=config, out=tmp_path / "set") for part in arguments]
    assert_refused(run(*filled), *parts)
    assert not (tmp_path / "set").exists()


def test_folder_of_something_else(config: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert_refused(run("build", "--config-file", config, "--output", tmp_path), "not empty")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("file", [".build/.build.json.tmp", ".images.jsonl.tmp"])
def test_full_disk_and_going_on(pristine: Path, config: Path, tmp_path: Path, file: str) -> None:
    """/dev/full refuses every write for want of space; one file of the build is a link to it."""
    output = tmp_path / "set"
    (output / ".build").mkdir(parents=True)
    (output / ".build" / "build.json").write_text("{}")  # begun, nothing drawn yet
    (output / file).symlink_to("/dev/full")
    result = run("build", "--config-file", config, "--output", output)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert "No space left on device" in result.stderr.splitlines()[-1]
    assert run("build", "--config-file", config, "--output", output).returncode == 0
    assert digest(output) == digest(pristine)
    assert run("verify", output).returncode == 0

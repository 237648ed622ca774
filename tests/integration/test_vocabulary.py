"""`geneperson vocabulary` in a process of its own, with chat servers that answer, or do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_server import KEY, LABELS, ChatServer, Reply, serve
from helpers import ROOT


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serve() as one:
        yield one


def run(server: ChatServer, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask the server for words.json in a folder."""
    tool = [sys.executable, str(ROOT / "tools" / "geneperson_gen.py"), "vocabulary"]
    known = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url, "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [*tool, "--output", "words.json", *arguments],
        cwd=folder,
        env=os.environ | known,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("reply", "timeout", "reason"),
    [
        (Reply(drip="body"), "1.5", "no answer within 1.5 s"),
        (Reply(b"x" * 100_000, endless=True), "60", "longer than 1000000 bytes"),
        (Reply(body="<html>"), "60", "not a chat completion"),
    ],
    ids=["drips", "endless", "other protocol"],
)
def test_no_answer_is_status_1_without_a_file(
    server: ChatServer, tmp_path: Path, reply: Reply, timeout: str, reason: str
) -> None:
    server.scripts = {label: [reply] for label in LABELS}
    result = run(server, tmp_path, "--timeout", timeout)
    lines = result.stdout.splitlines()
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert sum(reason in line for line in lines) == 3
    assert lines[-1] == "words.json: 0 of 17 groups from the model; the file is not written"
    assert server.asked == LABELS[:3] and not list(tmp_path.iterdir())


def test_some_answers_are_counted(server: ChatServer, tmp_path: Path) -> None:
    server.scripts = {label: [Reply(drip="all")] for label in LABELS[5:]}
    result = run(server, tmp_path, "--timeout", "4")
    assert result.returncode == 0 and "Traceback" not in result.stderr
    assert result.stdout.splitlines()[-1].startswith("words.json: 5 of 17 groups from the model;")
    assert json.loads((tmp_path / "words.json").read_text())["upper_color"]["any"][0] == "amber"


def test_a_timeout_that_cannot_be_used(server: ChatServer, tmp_path: Path) -> None:
    result = run(server, tmp_path, "--timeout", "0")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: --timeout 0: must be in (0, 3600] seconds\n"

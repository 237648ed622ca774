"""How the commands end: one line and a status for what the user can do something about."""

import importlib
from pathlib import Path

import pytest

from dppp import UserError
from dppp_commands.command_line import status_of


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("x is 3"), 2, "error: x is 3"),
        (FileNotFoundError(2, "No such file", "a"), 2, "error: [Errno 2] No such file: 'a'"),
        (OSError("Traceback ...\n\ndppp.errors.UserError: a.jpg is damaged"), 2,
         "error: a.jpg is damaged"),
        (ImportError("dppp needs fastreid", name="fastreid"), 2, "error: dppp needs fastreid"),
        (FloatingPointError("the loss is nan"), 1, "error: the loss is nan"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)  # fmt: skip
def test_what_is_one_line(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def action() -> int:
        raise error

    assert status_of(action, "stopped") == status
    assert capsys.readouterr() == ("", f"{line}\n")


@pytest.mark.parametrize(
    "error", [ValueError("x"), RuntimeError("x"), ImportError("x", name="faiss"), KeyError("x")]
)
def test_a_mistake_of_ours_keeps_its_traceback(error: Exception) -> None:
    def action() -> int:
        raise error

    with pytest.raises(type(error)):
        status_of(action, "stopped")


def test_ctrl_c_while_something_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "slow_to_import.py").write_text("raise KeyboardInterrupt")
    monkeypatch.syspath_prepend(tmp_path)
    assert status_of(lambda: bool(importlib.import_module("slow_to_import")), "stopped") == 130
    assert capsys.readouterr() == ("", "stopped\n")


def test_a_status_is_passed_on() -> None:
    assert status_of(lambda: 1, "stopped") == 1

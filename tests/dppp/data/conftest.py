"""What tests of data sets share."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dppp.log import logger


class Collector(logging.Handler):
    """Keeps the messages of warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """The warnings so far; after a run, FastReID's logger no longer passes them to pytest's."""
    collector = Collector()
    logger.addHandler(collector)
    yield collector.messages
    logger.removeHandler(collector)


@pytest.fixture
def own_root(data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data that a test may spoil."""
    root = tmp_path / "datasets"
    shutil.copytree(data_root, root)
    monkeypatch.setenv("FASTREID_DATASETS", str(root))
    return root

"""A small real data set, built once, for the tests that look at finished sets."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from yacs.config import CfgNode

from geneperson import build, get_cfg


@pytest.fixture(scope="session")
def small_cfg() -> CfgNode:
    """Settings of a set that is built in a second: 3 + 2 identities, 6 views each."""
    cfg = get_cfg()
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 3, 2
    cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS = 3, 2
    cfg.CANVAS.CELL_SIZE = (128, 64)
    cfg.SCENES.POOL_SIZE = 1
    return cfg


@pytest.fixture
def cfg(small_cfg: CfgNode) -> CfgNode:
    """A copy of the settings that a test may change."""
    return small_cfg.clone()


@pytest.fixture(scope="session")
def pristine(small_cfg: CfgNode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set itself; not to be changed."""
    output = tmp_path_factory.mktemp("set") / "pristine"
    build(small_cfg, output)
    return output


@pytest.fixture
def dataset(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the set that a test may spoil."""
    return Path(shutil.copytree(pristine, tmp_path / "dataset"))

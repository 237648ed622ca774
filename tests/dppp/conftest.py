"""The quickstart's config, made even smaller, on the small generated sets."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.config import CfgNode

from dppp.config import load_config
from helpers import DPPP_CONFIGS, SMALL

QUICKSTART = DPPP_CONFIGS / "quickstart.yml"


@pytest.fixture
def quickstart(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CfgNode]:
    """Return a function from ``KEY, VALUE, ...`` to a config that trains in seconds."""
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))

    def config(*opts: object) -> CfgNode:
        return load_config(str(QUICKSTART), [*SMALL, "OUTPUT_DIR", str(tmp_path), *opts])

    return config

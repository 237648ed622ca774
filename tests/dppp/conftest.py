"""The quickstart's config, made still smaller, on the small generated sets."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.config import CfgNode

from dppp.config import load_config
from helpers import CONFIGS

QUICKSTART = CONFIGS / "DPPP" / "quickstart.yml"
SMALL = (
    "DATALOADER.NUM_WORKERS", 0,
    "DATALOADER.NUM_INSTANCE", 4,
    "SOLVER.IMS_PER_BATCH", 16,
    "SOLVER.PHASE_EPOCHS", (1, 1),
    "SOLVER.WARMUP_ITERS", 0,
    "SOLVER.LOG_PERIOD", 1,
)  # fmt: skip


@pytest.fixture
def quickstart(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CfgNode]:
    """A function from ``KEY, VALUE, ...`` to a config that trains in seconds."""
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))

    def config(*opts: object) -> CfgNode:
        return load_config(str(QUICKSTART), [*SMALL, "OUTPUT_DIR", str(tmp_path), *opts])

    return config

"""The quickstart's config, made even smaller, on the small generated sets."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.config import CfgNode

from dppp import DPPPTrainer
from dppp.config import load_config
from helpers import DPPP_CONFIGS, SMALL, FinishedRun

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


@pytest.fixture(scope="session")
def pristine_run(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """Train both phases once, for all tests that need no more than a trained model."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTREID_DATASETS", str(data_root))
        cfg = load_config(str(QUICKSTART), [*SMALL, "OUTPUT_DIR", str(folder)])
        trainer = DPPPTrainer(cfg)
        trainer.resume_or_load(resume=False)
        trainer.train()
    return FinishedRun(folder=folder, trainer=trainer)


@pytest.fixture
def finished_run(pristine_run: FinishedRun, tmp_path: Path) -> FinishedRun:
    """A copy of that run's files in the OUTPUT_DIR of ``quickstart()``, to be changed freely."""
    shutil.copytree(pristine_run.folder, tmp_path, dirs_exist_ok=True)
    return FinishedRun(folder=tmp_path, trainer=pristine_run.trainer)

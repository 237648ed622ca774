"""A trained model and pictures for it, made once."""

from pathlib import Path

import pytest

import dppp
from dppp.inference import Embedder
from helpers import FinishedRun


@pytest.fixture(scope="session")
def trained(pristine_run: FinishedRun) -> Path:
    """OUTPUT_DIR of a finished run; not to be changed."""
    return pristine_run.folder


@pytest.fixture(scope="session")
def embedder(trained: Path) -> Embedder:
    return dppp.load(trained / "model_inference.pth", device="cpu")


@pytest.fixture(scope="session")
def gallery(data_root: Path) -> Path:
    return data_root / "GenePersonToy" / "bounding_box_test"

"""The two small sets under the names of the embedded testbed's."""

import shutil
from pathlib import Path

import pytest

from dppp.reproduce.request import SHIFTED


@pytest.fixture(scope="session")
def data_root(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FASTREID_DATASETS with the testbed's training set and its shifted world."""
    root = tmp_path_factory.mktemp("testbed")
    for name, ours in (("GenePersonToy", "GenePersonToy"), ("GenePersonToyShifted", SHIFTED)):
        shutil.copytree(data_root / name, root / ours)
    return root

"""Small data sets of each kind: images, or files that are empty where only names are read."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastreid.config import CfgNode
from fastreid.data.datasets import DATASET_REGISTRY
from fastreid.data.datasets.bases import ImageDataset
from PIL import Image

from dppp.config import load_config
from dppp.data import load_dataset


@pytest.fixture
def root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quickstart: Callable[..., CfgNode]
) -> Path:
    """FASTREID_DATASETS, empty."""
    root = tmp_path / "sets"
    root.mkdir()
    monkeypatch.setenv("FASTREID_DATASETS", str(root))
    return root


@pytest.fixture
def write(root: Path) -> Callable[..., None]:
    """Return a function that writes small images into FOLDER/PART."""

    def write(folder: str, part: str, *names: str) -> None:
        (root / folder / part).mkdir(parents=True, exist_ok=True)
        for name in names:
            Image.new("RGB", (32, 64), "grey").save(root / folder / part / name)

    return write


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return a function that writes empty files and reads a data set's training part."""

    def read(name: str, *files: str) -> dict[str, str]:
        touch(tmp_path, files)
        items = DATASET_REGISTRY.get(name)(root=str(tmp_path)).train
        return {str(path).removeprefix(f"{tmp_path}/"): pid for path, pid, _ in items}

    return read


@pytest.fixture
def tricky_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """FASTREID_DATASETS, whose path holds what a search of it would take for labels."""
    root = tmp_path / "2026_c3_s1_runs" / "9_c9"
    root.mkdir(parents=True)
    monkeypatch.setenv("FASTREID_DATASETS", str(root))
    return root


@pytest.fixture
def load(tricky_root: Path) -> Callable[..., ImageDataset]:
    """Return a function that writes empty files there and loads a data set from them."""

    def load(name: str, files: Sequence[str], *opts: object, **kwargs: Any) -> ImageDataset:
        touch(tricky_root, files)
        cfg = load_config("", ["MODEL.DEVICE", "cpu", "DATASETS.TESTS", (), *opts])
        return load_dataset(cfg, name, **kwargs)

    return load


def touch(root: Path, files: Iterable[str]) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()

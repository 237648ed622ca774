"""Two small generated sets, built once, for the tests that train on them."""

from pathlib import Path

import pytest

from geneperson import build, get_cfg


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FASTREID_DATASETS with GenePersonToy (10 + 4 identities) and GenePersonToyShifted (0 + 4)."""
    root = tmp_path_factory.mktemp("datasets")
    for name, world, num_train in (
        ("GenePersonToy", "source", 10),
        ("GenePersonToyShifted", "shifted", 0),
    ):
        cfg = get_cfg()
        cfg.WORLD = world
        cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = num_train, 4
        cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS = 3, 2
        cfg.CANVAS.CELL_SIZE = (128, 64)
        cfg.SCENES.POOL_SIZE = 1
        build(cfg, root / name)
    return root

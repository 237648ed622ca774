"""Places in the repository, and settings of small runs, that tests of all parts use."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dppp import DPPPTrainer

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "configs"
DPPP_CONFIGS = CONFIGS / "DPPP"
GENEPERSON_CONFIGS = CONFIGS / "GenePerson"

# KEY, VALUE, ... of a run that takes seconds on a CPU.
SMALL = (
    "MODEL.DEVICE", "cpu",
    "INPUT.SIZE_TRAIN", [64, 32],
    "INPUT.SIZE_TEST", [64, 32],
    "DATALOADER.NUM_WORKERS", 0,
    "DATALOADER.CACHE", "",
    "DATALOADER.NUM_INSTANCE", 4,
    "SOLVER.IMS_PER_BATCH", 16,
    "SOLVER.PHASE_EPOCHS", (1, 1),
    "SOLVER.WARMUP_ITERS", 0,
    "SOLVER.LOG_PERIOD", 1,
)  # fmt: skip
# The generated set of conftest.py's data_root, to train and test on.
TOY = (
    "DATASETS.GENEPERSON_DIRS", ("GenePersonToy",),
    "DATASETS.NAMES", ("GenePersonToy",),
    "DATASETS.TESTS", ("GenePersonToy",),
)  # fmt: skip
# KEY, VALUE, ... that make a quickstart train a small one of FastReID's own models for two epochs.
BASELINE = (
    "MODEL.META_ARCHITECTURE", "Baseline",
    "MODEL.BACKBONE.NAME", "build_resnet_backbone",
    "MODEL.BACKBONE.PRETRAIN", False,
    "MODEL.BACKBONE.DEPTH", "18x",
    "MODEL.BACKBONE.FEAT_DIM", 512,
    "MODEL.LOSSES.NAME", ("CrossEntropyLoss", "TripletLoss"),
    "INPUT.SIZE_TRAIN", [32, 16],
    "INPUT.SIZE_TEST", [32, 16],
    "SOLVER.MAX_EPOCH", 2,
)  # fmt: skip


def free_url() -> str:
    """Return an address on this machine at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """The run of ``quickstart()`` without further settings, its files as they were written.

    Attributes:
        folder: its OUTPUT_DIR.
        trainer: as it was at the end.
    """

    folder: Path
    trainer: DPPPTrainer

"""One training run per row and seed: found if it is finished, trained otherwise.

A run's folder is named by its settings, its data and the weights it starts from. Rows that ask for
the same model share one run, and a run of other settings or data is never mistaken for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from fastreid.config import CfgNode
from fastreid.data.datasets.bases import ImageDataset

from ..config import flatten, load_config
from ..data import load_dataset
from ..errors import DataNotFoundError, UserError
from ..files import sha256
from ..log import logger
from ..modeling.clip_files import find_weights
from .checkout import CONFIGS, RECIPE, ROOT, TRAIN_TOOL

# Settings that do not change what a run computes, only where and how fast.
_NOT_COUNTED = ("OUTPUT_DIR", "CUDNN_BENCHMARK", "MODEL.DEVICE")
# Sections of a row's config that are the method's, not the testbed's.
_METHOD = ("MODEL", "SOLVER", "INPUT", "DATALOADER")


class NotAvailableError(Exception):
    """A run without a result. The message is the reason, for a cell of a report."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that may or may not have been trained.

    Attributes:
        config_file: YAML file.
        opts: ``KEY VALUE ...`` on top of it.
        folder: where its files go.
    """

    config_file: Path
    opts: tuple[str, ...]
    folder: Path

    def config(self) -> CfgNode:
        """Load the config of the run."""
        return load_config(str(self.config_file), list(self.opts))

    def summary(self) -> dict[str, Any] | None:
        """Return the content of its summary.json; None if the run is not finished."""
        try:
            summary: dict[str, Any] = json.loads((self.folder / "summary.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return summary

    def command(self) -> list[str]:
        """Return the command line that trains it, or resumes its training."""
        words = [sys.executable, str(TRAIN_TOOL), "--config-file", str(self.config_file)]
        return [*words, "--resume", *self.opts, "OUTPUT_DIR", str(self.folder)]

    def shown_command(self) -> str:
        """Return the command line as text for a report, the same on every machine."""
        return shlex.join(["python", *self.command()[1:]]).replace(f"{ROOT}/", "")


def plan_run(config_file: Path, opts: Sequence[str], runs_dir: Path) -> Run:
    """Return the run of a config, with a folder under ``runs_dir`` that is named by its digest.

    Raises:
        UserError: the settings cannot be used.
    """
    digest = _digest(load_config(str(config_file), list(opts)))
    return Run(config_file=config_file, opts=tuple(opts), folder=runs_dir.resolve() / digest)


def row_opts(config: str) -> list[str]:
    """Return what a row's config adds to vit_b16.yml, as ``KEY VALUE ...``; the last one counts.

    Data sets and folders are left out: they belong to the testbed.
    """
    path = (CONFIGS / config).resolve()
    if path == (CONFIGS / RECIPE).resolve():
        return []
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    keys = flatten({key: content[key] for key in content if key in _METHOD})
    own = [text for key, value in keys.items() for text in (key, str(value))]
    return [*row_opts(str(path.parent / content["_BASE_"])), *own]


def ensure(run: Run, *, train: bool) -> dict[str, Any]:
    """Return the summary of a finished run, training it first if it is missing.

    Args:
        run: the run.
        train: whether to train a run that is missing.

    Raises:
        NotAvailableError: the run is not finished, and why.
    """
    if (summary := run.summary()) is not None:
        return summary
    if missing := _missing_data(run):
        raise NotAvailableError(", ".join(missing))
    if not train:
        raise NotAvailableError("not trained; --train does it")
    return _train(run)


def find_dataset(cfg: CfgNode, name: str) -> ImageDataset | None:
    """Load a data set; None if its files are missing.

    Raises:
        UserError: it exists, and is damaged.
    """
    try:
        return load_dataset(cfg, name)
    except DataNotFoundError:
        return None
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def _missing_data(run: Run) -> list[str]:
    """List the data sets without which the run cannot be trained, or shows nothing.

    A missing test set costs only its own cells, as long as another one exists.
    """
    cfg = run.config()
    missing = [name for name in cfg.DATASETS.NAMES if find_dataset(cfg, name) is None]
    if all(find_dataset(cfg, name) is None for name in cfg.DATASETS.TESTS):
        missing += cfg.DATASETS.TESTS
    return list(dict.fromkeys(missing))


def _train(run: Run) -> dict[str, Any]:
    """Train and return the summary."""
    run.folder.mkdir(parents=True, exist_ok=True)
    logger.info("training: %s", " ".join(run.command()))
    # Two tables may train the same run at once: the second waits, and finds it finished.
    with open(run.folder / ".lock", "w") as lock, open(run.folder / "console.txt", "ab") as console:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (summary := run.summary()) is not None:
            return summary
        process = subprocess.run(run.command(), cwd=ROOT, stdout=console, stderr=console)
    if process.returncode == 0 and (summary := run.summary()) is not None:
        return summary
    lines = (run.folder / "console.txt").read_text("utf-8", "replace").strip().splitlines()
    last = lines[-1] if lines else f"status {process.returncode}"
    raise NotAvailableError(last.removeprefix("error: "))


def _digest(cfg: CfgNode) -> str:
    """Digest the settings, the data sets that exist, and the weights that training starts from."""
    content = {key: value for key, value in flatten(cfg).items() if key not in _NOT_COUNTED}
    names = dict.fromkeys((*cfg.DATASETS.NAMES, *cfg.DATASETS.TESTS))
    data = {name: _data_digest(find_dataset(cfg, name)) for name in names}
    weights = find_weights(cfg.MODEL.DPPP.CLIP_NAME, cfg.MODEL.DPPP.CLIP_PRETRAINED)
    text = json.dumps(
        [content, data, sha256(weights) if weights else ""], sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _data_digest(dataset: ImageDataset | None) -> str:
    """Digest the names and sizes of a data set's images, and a generated set's own digest."""
    if dataset is None:
        return "missing"
    paths = sorted(
        {str(item[0]) for part in ("train", "query", "gallery") for item in getattr(dataset, part)}
    )
    sizes = [(path, os.path.getsize(path)) for path in paths]
    record = Path(paths[0]).parents[1] / "dataset.json" if paths else Path("none")
    generated = sha256(record) if record.is_file() else ""
    return hashlib.sha256(json.dumps([sizes, generated]).encode()).hexdigest()

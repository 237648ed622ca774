"""One training run a row: found if it is finished, else made, and its scores.

A run's folder is named by its settings, its data and the weights it starts from, so rows that ask
for the same model share one run, and a run of other settings or data is never taken for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from fastreid.config import CfgNode

from ..config import flatten, load_config
from ..data import load_dataset
from ..errors import DataNotFoundError, UserError
from ..modeling.clip_files import find_weights

ROOT = Path(__file__).resolve().parents[4]  # of the repository, where tools/ and configs/ are
CONFIGS = ROOT / "configs" / "DPPP"
_NOT_COUNTED = ("OUTPUT_DIR", "CUDNN_BENCHMARK")  # settings that do not change a run's result

logger = logging.getLogger("fastreid.dppp")


@dataclass(frozen=True)
class Run:
    """A run that may or may not have been made.

    Attributes:
        config_file: YAML file.
        opts: ``KEY VALUE ...`` on top of it.
        folder: where its files go.
    """

    config_file: Path
    opts: tuple[str, ...]
    folder: Path

    def summary(self) -> dict | None:
        """Give the content of its summary.json; None if it is not finished."""
        try:
            return json.loads((self.folder / "summary.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def command(self) -> list[str]:
        """Give the command line that makes it, or goes on with it."""
        script = str(ROOT / "tools" / "train_net.py")
        return [
            sys.executable,
            script,
            "--config-file",
            str(self.config_file),
            "--resume",
            *self.opts,
            "OUTPUT_DIR",
            str(self.folder),
        ]

    def shown_command(self) -> str:
        """Give it as text for a report, the same on every machine."""
        return shlex.join(["python", *self.command()[1:]]).replace(f"{ROOT}/", "")


def plan_run(config_file: Path, opts: list[str], runs_dir: Path) -> Run:
    """Name a run's folder by its settings.

    Raises:
        UserError: the settings cannot be used.
    """
    cfg = load_config(str(config_file), list(opts))
    return Run(config_file, tuple(opts), runs_dir / _digest(cfg))


def row_opts(config: str) -> list[str]:
    """Give what a row's config says on top of vit_b16.yml, as ``KEY VALUE ...``.

    Data sets and folders are left out: they belong to the world the row is made in.
    """
    content = yaml.safe_load((CONFIGS / config).read_text(encoding="utf-8"))
    keys = flatten({key: content[key] for key in content if key in ("MODEL", "SOLVER")})
    return [text for key, value in keys.items() for text in (key, str(value))]


def ensure(run: Run, train: bool) -> str | None:
    """See that a run is finished; give None, or the reason why it is not.

    Args:
        train: whether a run that is missing is made.
    """
    if run.summary() is not None:
        return None
    missing = _missing_data(run)
    if missing:
        return ", ".join(missing)
    return _make(run) if train else "not trained; --train does it"


def _missing_data(run: Run) -> list[str]:
    """List the data sets without which the run cannot be made, or shows nothing.

    A test set that is not there takes its cells only, as long as another one is.
    """
    cfg = load_config(str(run.config_file), list(run.opts))
    missing = [name for name in cfg.DATASETS.NAMES if not is_there(cfg, name)]
    if not any(is_there(cfg, name) for name in cfg.DATASETS.TESTS):
        missing += cfg.DATASETS.TESTS
    return list(dict.fromkeys(missing))


def _make(run: Run) -> str | None:
    """Train; give None, or the reason why there is no result."""
    run.folder.mkdir(parents=True, exist_ok=True)
    logger.info("training: %s", " ".join(run.command()))
    # Two tables that share a run may be made at once: the second waits, and finds it finished.
    with open(run.folder / ".lock", "w") as lock, open(run.folder / "console.txt", "ab") as console:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if run.summary() is not None:
            return None
        process = subprocess.run(run.command(), cwd=ROOT, stdout=console, stderr=console)
    if process.returncode == 0 and run.summary() is not None:
        return None
    lines = (run.folder / "console.txt").read_text("utf-8", "replace").strip().splitlines()
    last = lines[-1] if lines else f"status {process.returncode}"
    return last.removeprefix("error: ")


def is_there(cfg: CfgNode, name: str) -> bool:
    """Whether a data set can be read.

    Raises:
        UserError: it is there, and damaged.
    """
    try:
        load_dataset(cfg, name)
    except DataNotFoundError:
        return False
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
    return True


def _digest(cfg: CfgNode) -> str:
    """Digest the settings, the data that is there, and the weights that training starts from."""
    content = {key: value for key, value in cfg.items() if key not in _NOT_COUNTED}
    names = dict.fromkeys((*cfg.DATASETS.NAMES, *cfg.DATASETS.TESTS))
    data = {name: _data_digest(cfg, name) for name in names}
    weights = find_weights(cfg.MODEL.DPPP.CLIP_NAME, cfg.MODEL.DPPP.CLIP_PRETRAINED)
    started = sha256_of(Path(weights)) if weights else ""
    text = json.dumps([content, data, started], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _data_digest(cfg: CfgNode, name: str) -> str:
    """Digest the names and sizes of a data set's images, and a generated set's own digest."""
    if not is_there(cfg, name):
        return "not there"
    dataset = load_dataset(cfg, name)
    paths = sorted(
        {str(item[0]) for part in ("train", "query", "gallery") for item in getattr(dataset, part)}
    )
    facts = [(path, os.path.getsize(path)) for path in paths]
    record = Path(paths[0]).parents[1] / "dataset.json" if paths else Path("none")
    own = sha256_of(record) if record.is_file() else ""
    return hashlib.sha256(json.dumps([facts, own]).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """Digest a file's content."""
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 24):
            digest.update(block)
    return digest.hexdigest()

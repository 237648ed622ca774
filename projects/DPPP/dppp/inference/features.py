"""Features of many images in one file, .npz, that NumPy reads: ``numpy.load(file)["features"]``.

| array    | shape, type               | meaning |
| -------- | ------------------------- | ------- |
| features | (N, d1) float32 or 16     | of length 1 |
| paths    | (N,) text                 | relative to root |
| root     | text                      | the folder of the images, absolute |
| pids     | (N,) int64                | identities, if ``labels`` can tell them |
| camids   | (N,) int64                | cameras, likewise |
| skipped  | (S,) text                 | images that could not be read: path and reason |
| model    | text                      | ``Embedder.digest`` |
| settings | text                      | digest of model, number format and images |
"""

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..data.datasets.market_style import GALLERY, QUERY, TRAIN, parse_name
from ..errors import UserError
from ..files import whole_file

_TEXTS = ("paths", "skipped")
# Folders whose people are those of the folders beside them; gt_bbox is Market-1501's too.
_PARTS = (TRAIN, QUERY, GALLERY, "gallery", "gt_bbox")


@dataclass
class Features:
    """Features and where they come from; see the table above."""

    features: np.ndarray
    paths: list[str]
    root: str
    model: str
    skipped: list[str] = field(default_factory=list)
    settings: str = ""

    def files(self) -> list[Path]:
        """The images (N,)."""
        return [Path(self.root, path) for path in self.paths]

    def save(self, path: str | os.PathLike) -> None:
        """Write the file, whole or not at all."""
        arrays = {"features": self.features, **labels(self.files())}
        arrays |= {key: np.array(getattr(self, key), dtype=str) for key in _TEXTS}
        arrays |= {key: np.array(getattr(self, key)) for key in ("root", "model", "settings")}
        with whole_file(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **arrays)


def labels(paths: Sequence[str | os.PathLike]) -> dict[str, np.ndarray]:
    """``pids`` and ``camids`` (N,) if the names tell them (0002_c1s1_000451_03.jpg), or nothing.

    Nothing either where two sets use one number: whether 0002 of one folder is 0002 of another is
    not to be seen. Market-1501's folders are one set. Its 0 and -1 are nobody, and may be in both.

    Args:
        paths: of the images, from one folder or absolute.
    """
    told = [parse_name(Path(path).name) for path in paths]
    if not told or None in told:
        return {}
    homes = {}
    for path, (pid, _) in zip(paths, told, strict=True):
        home = set_folder(path)
        if pid > 0 and homes.setdefault(pid, home) != home:
            return {}
    pids, camids = np.array(told, dtype=np.int64).T
    return {"pids": pids, "camids": camids}


def set_folder(path: str | os.PathLike) -> str:
    """The folder of the set that an image belongs to, as far as paths tell."""
    folder = os.path.dirname(os.path.normpath(path))
    return os.path.dirname(folder) if os.path.basename(folder) in _PARTS else folder


def load_features(path: str | os.PathLike) -> Features:
    """Read a file of ``Features.save``.

    Raises:
        UserError: it is not there, or is no such file.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as saved:
            return Features(
                saved["features"],
                *(saved["paths"].tolist(), str(saved["root"]), str(saved["model"])),
                *(saved["skipped"].tolist(), str(saved["settings"])),
            )
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile):
        raise UserError(f"{path}: not a file of features of tools/extract.py") from None

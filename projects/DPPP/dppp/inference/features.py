"""Features of many images in one file, .npz, that NumPy reads: ``numpy.load(file)["features"]``.

| array    | shape, type               | meaning |
| -------- | ------------------------- | ------- |
| features | (N, d1) float32 or 16     | of length 1 |
| paths    | (N,) text                 | relative to root |
| root     | text                      | the folder of the images, absolute |
| pids     | (N,) int64                | identities, if ``labels`` finds them in the file names |
| camids   | (N,) int64                | cameras, likewise |
| skipped  | (S,) text                 | images that could not be read: path and reason |
| model    | text                      | ``Embedder.digest`` |
| settings | text                      | digest of model, number formats and images |
| precision | text                     | in which the images were encoded: fp32 or bf16 |
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
_FACTS = ("root", "model", "settings", "precision")
# Folders that share their identities with the folders next to them; gt_bbox is Market-1501's too.
_PARTS = (TRAIN, QUERY, GALLERY, "gallery", "gt_bbox")


@dataclass(frozen=True, kw_only=True)
class Features:
    """Features and where they come from; see the table above.

    Attributes:
        file: that they were read from; None if they were made here.
    """

    features: np.ndarray
    paths: list[str]
    root: str
    model: str
    skipped: list[str] = field(default_factory=list)
    settings: str = ""
    precision: str = "fp32"
    file: Path | None = None

    def files(self) -> list[Path]:
        """Return the images (N,)."""
        return [self.image(place) for place in range(len(self.paths))]

    def image(self, place: int) -> Path:
        """Return one of the images."""
        return Path(self.root, self.paths[place])

    def save(self, path: str | os.PathLike) -> None:
        """Write the file, whole or not at all."""
        arrays = {"features": self.features, **labels(self.files())}
        arrays |= {key: np.array(getattr(self, key), dtype=str) for key in _TEXTS}
        arrays |= {key: np.array(getattr(self, key)) for key in _FACTS}
        with whole_file(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)


def labels(paths: Sequence[str | os.PathLike]) -> dict[str, np.ndarray]:
    """Return ``pids`` and ``camids`` (N,) if all file names hold them (0002_c1s1_000451_03.jpg).

    Returns nothing otherwise, nor if the same pid occurs in folders of different data sets,
    because pids are only unique within a set. Market-1501's folders are one set. Pids 0
    (distractor) and -1 (junk) are exempt.

    Args:
        paths: of the images, from one folder or absolute.
    """
    parsed = [name for name in (parse_name(Path(path).name) for path in paths) if name is not None]
    if not parsed or len(parsed) < len(paths):
        return {}
    folder_of: dict[int, str] = {}
    for path, (pid, _) in zip(paths, parsed, strict=True):
        folder = set_folder(path)
        if pid > 0 and folder_of.setdefault(pid, folder) != folder:
            return {}
    pids, camids = np.array(parsed, dtype=np.int64).T
    return {"pids": pids, "camids": camids}


def set_folder(path: str | os.PathLike) -> str:
    """Return the folder of the data set that an image belongs to, as far as its path shows."""
    folder = os.path.dirname(os.path.normpath(path))
    return os.path.dirname(folder) if os.path.basename(folder) in _PARTS else folder


def load_features(path: str | os.PathLike) -> Features:
    """Read a file of ``Features.save``.

    Raises:
        UserError: it is missing, or is not such a file.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as saved:
            return Features(
                features=saved["features"],
                paths=saved["paths"].tolist(),
                root=str(saved["root"]),
                model=str(saved["model"]),
                skipped=saved["skipped"].tolist(),
                settings=str(saved["settings"]),
                precision=str(saved.get("precision", "fp32")),  # older files do not say
                file=Path(path),
            )
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile):
        raise UserError(f"{path}: not a feature file of dppp-extract") from None

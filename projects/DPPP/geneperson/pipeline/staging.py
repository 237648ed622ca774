"""The ``.build`` folder of an unfinished set: candidates on disk whole or not at all, and the lock.

::

    .build/lock                         held by the running build, or by all running shards
    .build/shard-1-of-2.lock            held by the first of two shards
    .build/build.json                   what is being built; another configuration is refused
    .build/models.json                  the models that draw and cut out, if any
    .build/identities/000012/record.json, 000017.jpg, reject_000003.jpg ...   candidate 12
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compositing.signatures import Appearance
from ..dataset import layout
from ..errors import UserError
from ..files import sha256, to_json, write_atomic, write_folder_atomic
from .candidate import Candidate
from .locks import hold
from .shard import Shard

_REJECT = "reject_"
_OWN_NAME = re.compile(
    r"lock|shard-\d+-of-\d+\.lock|identities|\.?(build|models)\.json(\.[^/]*)?(\.tmp)?"
)


@dataclass(frozen=True, kw_only=True)
class StagedImage:
    """An image in the staging folder: scene, lighting and background picture as numbers from 0."""

    cell: int
    view: str
    drawn_under: str
    scene: int
    lighting: int
    picture: int
    mask_area: float
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """A candidate on disk.

    Attributes:
        index: its number.
        images: none if it was rejected.
        rejected: cell -> why it is not used.
        appearance: what its good cells show; None if no rule asks.
    """

    index: int
    images: tuple[StagedImage, ...]
    rejected: dict[int, str]
    appearance: Appearance | None = None

    def rejected_for(self, reason: str) -> Record:
        """Return the candidate without its images."""
        rejected = self.rejected | {image.cell: reason for image in self.images}
        return Record(index=self.index, images=(), rejected=rejected)


class Staging:
    """Reads and writes ``OUTPUT/.build``."""

    def __init__(self, output: Path) -> None:
        self.root = output / layout.STAGING
        self._identities = self.root / "identities"
        self._settings = self.root / "build.json"
        self._models = self.root / "models.json"

    @contextmanager
    def lock(self, shard: Shard | None = None) -> Iterator[None]:
        """Hold the folder for one build, or share it with other shards.

        Raises:
            UserError: somebody else is writing here.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with hold(self.root, shard):
            yield

    def read_settings(self) -> dict[str, Any] | None:
        """Return the settings of the unfinished build; None if there is none."""
        return self._read(self._settings)

    def open(self, settings: dict[str, Any], owns: Callable[[int], bool] | None = None) -> None:
        """Start or resume: write the settings, and remove what a kill left half-written.

        Args:
            settings: what is being built.
            owns: whether a candidate belongs to this shard, others may be being written; None for
                a build, to which all belong.
        """
        write_atomic(self._settings, to_json(settings), is_shared=owns is not None)
        self._identities.mkdir(exist_ok=True)
        for half_written in self._identities.glob("*.tmp"):
            if owns is None or owns(int(half_written.stem)):
                shutil.rmtree(half_written)

    def is_ours(self) -> bool:
        """Return whether everything in the folder was written by a build."""
        return all(_OWN_NAME.fullmatch(path.name) for path in self.root.iterdir())

    def is_empty(self) -> bool:
        """Return whether no candidate is on disk."""
        return not self.indices()

    def keep_models(self, models: dict[str, dict[str, str]]) -> None:
        """Record the models in use; refuse others than those the build started with."""
        saved = self.models()
        if saved is not None and saved != models:
            changed = sorted(key for key in {*saved, *models} if saved.get(key) != models.get(key))
            raise UserError(
                f"{self.root.parent} holds an unfinished build by other models "
                f"({', '.join(changed)} changed); choose another --output, or delete {self.root}"
            )
        write_atomic(self._models, to_json(models), is_shared=True)

    def models(self) -> dict[str, dict[str, str]] | None:
        """Return the models of the unfinished build; None if it has used none."""
        return self._read(self._models)

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise UserError(f"{path} is damaged; delete {self.root} and build again")
        return content

    def indices(self) -> set[int]:
        """Return the numbers of the candidates on disk."""
        if not self._identities.is_dir():
            return set()
        return {int(path.name) for path in self._identities.iterdir() if path.name.isdecimal()}

    def write(self, candidate: Candidate) -> Record:
        """Put a candidate on disk, whole or not at all."""
        images = tuple(
            StagedImage(
                cell=image.cell,
                view=image.view,
                drawn_under=image.drawn_under,
                scene=image.place.scene,
                lighting=image.place.lighting,
                picture=image.place.picture,
                mask_area=image.mask_area,
                sha256=sha256(image.jpeg),
            )
            for image in candidate.images
        )
        content: dict[str, Any] = {
            "images": [vars(image) for image in images],
            "rejected": candidate.rejected,
        }
        if candidate.appearance is not None:
            content["appearance"] = vars(candidate.appearance)
        files = {_file(image.cell): image.jpeg for image in candidate.images}
        files |= {f"{_REJECT}{_file(cell)}": jpeg for cell, jpeg in candidate.samples.items()}
        files["record.json"] = to_json(content)
        write_folder_atomic(self._folder(candidate.index), files)
        return Record(
            index=candidate.index,
            images=images,
            rejected=candidate.rejected,
            appearance=candidate.appearance,
        )

    def read(self, index: int) -> Record:
        """Read a candidate back."""
        path = self._folder(index) / "record.json"
        try:
            content = json.loads(path.read_bytes())
            images = tuple(StagedImage(**image) for image in content["images"])
            rejected = {int(cell): reason for cell, reason in content["rejected"].items()}
            appearance = content.get("appearance")
            appearance = None if appearance is None else Appearance(**appearance)
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path} is damaged; delete its folder and build again") from error
        return Record(index=index, images=images, rejected=rejected, appearance=appearance)

    def image(self, index: int, cell: int) -> Path:
        """Return the path of a candidate's image."""
        return self._folder(index) / _file(cell)

    def samples(self, record: Record) -> dict[int, bytes]:
        """Return pictures of a candidate's rejected cells, one for each reason, by cell.

        The picture of a reason that was found later, such as a twin's, is a finished image.
        """
        samples = {
            int(path.stem.removeprefix(_REJECT)): path.read_bytes()
            for path in sorted(self._folder(record.index).glob(f"{_REJECT}*"))
        }
        finished = (self.image(record.index, cell) for cell in sorted(record.rejected))
        for path in finished:
            if path.is_file():
                samples[int(path.stem)] = path.read_bytes()
                break
        return samples

    def remove(self) -> None:
        """Delete the folder once the set is finished."""
        shutil.rmtree(self.root)

    def _folder(self, index: int) -> Path:
        return self._identities / f"{index:06d}"


def _file(cell: int) -> str:
    return f"{cell:06d}.jpg"

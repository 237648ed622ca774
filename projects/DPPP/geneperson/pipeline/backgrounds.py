"""Background pictures beside a set: painted by a model when first dealt, kept for the next build.

``OUTPUT.backgrounds/street_day_003_1f0c86a94d2e.png``: scene, lighting, number, and a key of
everything that decides about the picture. A set of other models, prompts or seeds finds no file
under its keys and paints its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..dataset.contact_sheet import contact_sheet
from ..dataset.layout import ImageRow
from ..files import sha256, to_json, write_atomic
from ..synthesis import Route
from ..version import __version__
from ..worlds.lighting import LIGHTINGS
from ..worlds.scenes import SCENES
from .candidate import Judged
from .picture_files import beside, read_picture, to_png
from .spec import BuildSpec

_KEY_DIGITS = 12
_TILE_PX = 160


def folder_of(output: Path) -> Path:
    """Return where the backgrounds of a set are."""
    return beside(output, "backgrounds")


@dataclass(frozen=True, kw_only=True)
class Backgrounds:
    """The pictures of one build; a ``Painter`` that reads what is on disk.

    Attributes:
        folder: where they are.
        route: what draws them.
        facts: what decides about all of them: models, seed, world, version.
    """

    folder: Path
    route: Route
    facts: dict[str, Any]

    @classmethod
    def of(cls, spec: BuildSpec, output: Path, models: dict[str, dict[str, str]]) -> Backgrounds:
        """Describe the backgrounds of a build.

        Args:
            spec: the build.
            output: folder of the data set.
            models: role -> name, revision and licence of the loaded models.
        """
        route = spec.route
        facts = {
            "geneperson": __version__,
            "route": route.name,
            "seed": spec.seed,
            "world": spec.world.name,
            "models": {role: models[role] for role in route.background_models if role in models},
        }
        if spec.picture.pose_detector:
            facts["looked_at_by"] = spec.settings["pose_detector_sha256"]
        return cls(folder=folder_of(output), route=route, facts=facts)

    def path(self, scene: str, lighting: str, index: int) -> Path:
        """Return the file of picture number ``index`` of a scene under a lighting."""
        return self.folder / f"{scene}_{lighting}_{index:03d}_{self._key(scene, lighting)}.png"

    def _key(self, scene: str, lighting: str) -> str:
        facts = self.facts | self.route.describe_background(scene, lighting)
        return sha256(to_json(facts))[:_KEY_DIGITS]

    def painted(self, scene: str, lighting: str) -> dict[int, Path]:
        """Return the pictures on disk by number: this build's, or else those of some other one."""
        name = re.compile(rf"{scene}_{lighting}_(\d+)_([0-9a-f]{{{_KEY_DIGITS}}})\.png")
        by_key: dict[str, dict[int, Path]] = defaultdict(dict)
        for path in sorted(self.folder.glob("*.png")):
            if match := name.fullmatch(path.name):
                by_key[match[2]][int(match[1])] = path
        return by_key.get(self._key(scene, lighting)) or next(iter(by_key.values()), {})

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        """Read a picture, (h, w, 3) uint8; see :class:`~geneperson.worlds.scenes.Painter`."""
        return read_picture(self.path(scene, lighting, index))

    def missing(self, candidate: Judged) -> list[tuple[str, str, int]]:
        """Return the places that a candidate was dealt and whose pictures are not on disk."""
        places = sorted({good.place.background for good in candidate.good})
        return [place for place in places if not self.path(*place).exists()]

    def write(self, place: tuple[str, str, int], picture: np.ndarray) -> None:
        """Put a picture on disk, whole or not at all.

        Args:
            place: scene, lighting and number.
            picture: (h, w, 3) uint8.
        """
        self.folder.mkdir(exist_ok=True)
        write_atomic(self.path(*place), to_png(picture), is_shared=True)

    def tile(self, scene: str, lighting: str, index: int) -> bytes:
        """Return a small JPEG of a picture, for a contact sheet."""
        picture = self.background(scene, lighting, index)
        small = cv2.resize(picture, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_AREA)
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        return jpeg.tobytes()


def background_sheet(backgrounds: Backgrounds, rows: Sequence[ImageRow]) -> bytes | None:
    """Lay out the backgrounds of a set, a row per scene with one picture of each lighting.

    Pictures that were deleted since are left out; None if all were.
    """
    shown: dict[str, dict[str, str]] = {scene: {} for scene in SCENES}
    for row in rows:
        if backgrounds.path(row.scene, row.lighting, _number(row.background)).exists():
            shown[row.scene].setdefault(row.lighting, row.background)
    samples = {
        f"{scene}: {', '.join(sorted(pictures))}": [
            backgrounds.tile(scene, lighting, _number(name))
            for lighting, name in sorted(pictures.items())
        ]
        for scene, pictures in shown.items()
        if pictures
    }
    return contact_sheet(samples, columns=len(LIGHTINGS)) if samples else None


def _number(background: str) -> int:
    return int(background.rpartition("_")[2])

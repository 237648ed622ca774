"""Canvases kept beside a set, so that other limits need no drawing.

``OUTPUT.canvases/000012_00.png`` is the first canvas of candidate 12, ``canvases.json`` says what
drew them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import to_json, write_atomic
from ..prompting.prompts import Identity
from ..synthesis import Characters
from .candidate import Drawing
from .picture_files import beside, read_picture, to_png
from .provenance import difference
from .spec import BuildSpec

_CONTENT = "canvases.json"
# Sections and keys that decide only about what becomes of a canvas.
_AFTER_DRAWING = ("QUALITY", "MATTING", "SCENES", "CAMERA", "JPEG_QUALITY")
_HOW_MANY = ("TRAIN", "TEST")
_DIGESTS = ("vocabulary_sha256", "poses_sha256")  # of the files that prompts and maps are made from

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Canvases:
    """The kept canvases of one set.

    Attributes:
        folder: where they are.
        settings: what decides about them, as recorded in ``dataset.json``.
        models: role -> name, revision and licence of the models.
        software: versions of the packages that drew.
    """

    folder: Path
    settings: dict[str, Any]
    models: dict[str, dict[str, str]]
    software: dict[str, str]

    @classmethod
    def of(cls, spec: BuildSpec, output: Path, models: dict[str, dict[str, str]]) -> Canvases:
        """Describe the canvases of a build, and make their folder.

        Raises:
            UserError: it holds the canvases of other settings or models.
        """
        own = cls(
            folder=beside(output, "canvases"),
            settings=_of_drawing(spec.settings),
            models={role: model for role, model in models.items() if role != "MATTING"},
            software=spec.route.software(),
        )
        own.folder.mkdir(exist_ok=True)
        path = own.folder / _CONTENT
        content = {"settings": own.settings, "models": own.models}
        if path.exists():
            there = _read(path)
            other = difference({key: there[key] for key in content}, content)
            if other is not None:
                raise UserError(
                    f"{own.folder} holds canvases with {other}; delete it, or choose another "
                    "--output"
                )
        else:
            write_atomic(path, to_json(content | {"software": own.software}), is_shared=True)
        return own

    @classmethod
    def read(cls, spec: BuildSpec, output: Path) -> Canvases:
        """Find the canvases of an earlier build.

        Args:
            spec: how they shall be used.
            output: folder of the earlier build's data set.

        Raises:
            UserError: there are none, or they were drawn for other settings.
        """
        if spec.route.draws_in_workers:
            raise UserError(
                f"SYNTHESIS.NAME {spec.route.name!r} keeps no canvases: build another set with the "
                "other limits"
            )
        path = beside(output, "canvases") / _CONTENT
        if not path.is_file():
            raise UserError(
                f"{path.parent} holds no canvases; build the set with KEEP_CANVASES True"
            )
        content, settings = _read(path), _of_drawing(spec.settings)
        other = difference(content["settings"], settings)
        if other is not None:
            raise UserError(f"{path.parent} holds canvases with {other}; draw them anew with build")
        return cls(
            folder=path.parent,
            settings=settings,
            models=content["models"],
            software=content["software"],
        )

    def keep(self, drawn: Iterable[Drawing]) -> Iterator[Drawing]:
        """Write the canvases of each identity and pass it on."""
        for identity, canvases in drawn:
            for copy, canvas in enumerate(canvases):
                write_atomic(_path(self.folder, identity.index, copy), to_png(canvas.image))
            yield identity, canvases

    def holds(self, identity: Identity, number: int) -> bool:
        """Return whether all ``number`` canvases of an identity are here."""
        return _are_kept(self.folder, identity.index, number)

    def load(self, identity: Identity, number: int) -> list[Characters]:
        """Read the ``number`` canvases of an identity.

        Raises:
            UserError: one is damaged.
        """
        paths = [_path(self.folder, identity.index, copy) for copy in range(number)]
        return [Characters(image=read_picture(path), alpha=None) for path in paths]


def warn_of_lost(spec: BuildSpec, output: Path, drawn: Iterable[int]) -> None:
    """Say it where candidates were drawn before ``KEEP_CANVASES``: nothing draws them again.

    Args:
        spec: the build.
        output: folder of the data set.
        drawn: numbers of the candidates on disk.
    """
    folder = beside(output, "canvases")
    number = sum(not _are_kept(folder, index, spec.light.per_identity) for index in drawn)
    if number:
        logger.warning(
            "KEEP_CANVASES: %s lacks %d candidates that were drawn before, and refine ends at the "
            "first of them; to keep all, build into another --output",
            folder,
            number,
        )


def _path(folder: Path, index: int, copy: int) -> Path:
    return folder / f"{index:06d}_{copy:02d}.png"


def _are_kept(folder: Path, index: int, number: int) -> bool:
    return all(_path(folder, index, copy).is_file() for copy in range(number))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
        return {key: dict(content[key]) for key in ("settings", "models", "software")}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged; delete {path.parent}") from error


def _of_drawing(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a set's settings that decides about its canvases."""
    configuration = {
        key: value for key, value in settings["configuration"].items() if key not in _AFTER_DRAWING
    }
    identities = configuration["IDENTITIES"].items()
    configuration["IDENTITIES"] = {key: own for key, own in identities if key not in _HOW_MANY}
    digests = {key: settings[key] for key in _DIGESTS if key in settings}
    return {"configuration": configuration, **digests}

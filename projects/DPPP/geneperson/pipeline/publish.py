"""The last step of a build: staged candidates become the folder of the contract.

Every part can be repeated, so a build killed in the middle of publishing can be resumed. The file
``dataset.json`` is written last, so a set that has one is whole.
"""

from __future__ import annotations

import os
import platform
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .. import seeding
from ..compositing import matting
from ..dataset import card, layout
from ..dataset.contact_sheet import PER_ROW, contact_sheet
from ..errors import UserError
from ..files import sha256, sync_folder, to_json, write_atomic
from ..prompting.prompts import Identity
from ..synthesis import Route
from ..version import __version__
from .backgrounds import Backgrounds, background_sheet
from .queries import choose_queries
from .spec import BuildSpec
from .staging import Record, Staging
from .twins import describe_likeness


def publish(
    spec: BuildSpec,
    output: Path,
    staging: Staging,
    *,
    records: Sequence[Record],
    identities: dict[int, Identity],
    settings: dict[str, Any],
    software: dict[str, str],
) -> dict[str, Any]:
    """Name and move the images, and write the tables, the data card and ``dataset.json``.

    Args:
        spec: the build.
        output: folder of the data set.
        staging: where the candidates are.
        records: all candidates up to the last accepted one, in order.
        identities: candidate number -> identity, for the accepted candidates.
        settings: what decided about the set, for ``dataset.json``.
        software: versions of the packages that drew.

    Returns:
        The content of ``dataset.json``.
    """
    folders = [output / folder for folder in (layout.FOLDERS if spec.num_test else (layout.TRAIN,))]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    accepted = [record for record in records if record.images]
    identity_rows: list[layout.IdentityRow] = []
    image_rows: list[layout.ImageRow] = []
    for pid, record in enumerate(accepted, start=1):
        split = "train" if pid <= spec.num_train else "test"
        identity_rows.append(_identity_row(pid, split, identities[record.index]))
        rows = _image_rows(spec, pid, split, record)
        for row, image in zip(rows, record.images, strict=True):
            _move(staging.image(record.index, image.cell), output / row.file, image.sha256)
        image_rows += rows
    for folder in folders:
        sync_folder(folder)  # an image that is lost later would lie in a set that counts as whole
    models = staging.models() or {}
    files = {
        layout.IDENTITIES: layout.to_jsonl(identity_rows),
        layout.IMAGES: layout.to_jsonl(image_rows),
    }
    tables = {file: sha256(content) for file, content in files.items()}
    if not spec.route.draws_in_workers:
        sheet = background_sheet(Backgrounds.of(spec, output, models), image_rows)
        if sheet is not None:
            files[layout.BACKGROUND_SHEET] = sheet
    files |= _reject_files(staging, records, spec.grid.num_cells)
    dataset = {
        "format": layout.FORMAT,
        **layout.count(identity_rows, image_rows),
        **_count_candidates(records, spec.num_cells),
        **describe_likeness(accepted, spec.picture),
        **settings,
        "models": {"synthesis": spec.route.name, **models},
        "software": _software(spec.route) | software,
        "digest": layout.set_digest({row.file: row.sha256 for row in image_rows} | tables),
    }
    files[layout.CARD] = card.render(dataset, identity_rows, note=spec.route.note).encode()
    dataset["files"] = {file: sha256(content) for file, content in files.items()}
    dataset["own_sha256"] = layout.own_sha256(dataset)
    for file, content in files.items():
        write_atomic(output / file, content)
    write_atomic(output / layout.DATASET, to_json(dataset))
    return dataset


def _software(route: Route) -> dict[str, str]:
    """Return the versions of what made the images."""
    return {
        "geneperson": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        **(matting.software() if route.needs_matting else {}),
    }


def _reject_files(staging: Staging, records: Sequence[Record], num_cells: int) -> dict[str, bytes]:
    """Write the table of rejected cells, and a sheet of examples if there are any."""
    rows: list[layout.RejectRow] = []
    pid = 0
    samples: dict[str, list[bytes]] = defaultdict(list)
    for record in records:
        pid += bool(record.images)
        for cell, reason in sorted(record.rejected.items()):
            rows.append(
                layout.RejectRow(
                    candidate=record.index,
                    pid=pid if record.images else 0,
                    copy=cell // num_cells,
                    cell=cell % num_cells,
                    reason=reason,
                )
            )
        if any(len(samples[reason]) < PER_ROW for reason in record.rejected.values()):
            for cell, jpeg in staging.samples(record).items():
                samples[record.rejected[cell]].append(jpeg)
    files = {layout.REJECTS: layout.to_jsonl(rows)}
    if rows:
        files[layout.REJECT_SHEET] = contact_sheet(samples)
    return files


def _identity_row(pid: int, split: str, identity: Identity) -> layout.IdentityRow:
    return layout.IdentityRow(
        pid=pid,
        split=split,
        candidate=identity.index,
        attributes=identity.attributes,
        prompt=identity.prompt,
        negative_prompt=identity.negative_prompt,
        seed=identity.seed,
    )


def _image_rows(spec: BuildSpec, pid: int, split: str, record: Record) -> list[layout.ImageRow]:
    """Name an identity's images; some of a held-out identity's become queries."""
    queries: set[int] = set()
    if split == "test":
        order = seeding.rng(spec.seed, "query", record.index).permutation(len(record.images))
        cameras = [image.scene + 1 for image in record.images]
        queries = choose_queries(cameras, order.tolist())
    rows = []
    for number, image in enumerate(record.images):
        held_out = layout.QUERY if number in queries else layout.GALLERY
        folder = layout.TRAIN if split == "train" else held_out
        copy, cell = divmod(image.cell, spec.grid.num_cells)
        scene, lighting = layout.SCENE_NAMES[image.scene], layout.LIGHTING_NAMES[image.lighting]
        name = layout.ImageName(
            pid=pid, camera=image.scene + 1, lighting=image.lighting + 1, cell=cell, copy=copy
        )
        rows.append(
            layout.ImageRow(
                file=f"{folder}/{name}",
                pid=pid,
                scene=scene,
                lighting=lighting,
                drawn_lighting=image.drawn_under,
                background=f"{scene}_{lighting}_{image.picture:03d}",
                cell=cell,
                view=image.view,
                mask_area=image.mask_area,
                sha256=image.sha256,
            )
        )
    return rows


def _move(source: Path, target: Path, expected: str) -> None:
    """Move a staged image, unless an earlier attempt that was killed has done so."""
    try:
        if sha256(source.read_bytes()) != expected:
            raise UserError(
                f"{source} is damaged; delete its folder and run the same command again"
            )
        os.rename(source, target)
    except FileNotFoundError:
        if not target.exists():
            raise UserError(
                f"{source} is missing; delete its folder and run the same command again"
            ) from None


def _count_candidates(records: Sequence[Record], num_cells: int) -> dict[str, Any]:
    """Count candidates and cells, with the reasons why cells were not used."""
    reasons = Counter(reason for record in records for reason in record.rejected.values())
    num_drawn, num_kept = num_cells * len(records), sum(len(record.images) for record in records)
    return {
        "candidates": {
            "accepted": sum(bool(record.images) for record in records),
            "rejected": sum(not record.images for record in records),
        },
        "cells": {
            "drawn": num_drawn,  # all of the canvases, the empty ones of those left out too
            "kept": num_kept,
            "left_out": num_drawn - num_kept - sum(reasons.values()),
            "rejected": dict(sorted(reasons.items())),
        },
    }

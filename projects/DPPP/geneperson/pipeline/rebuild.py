"""Making one identity of a finished set again, from its record alone."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from yacs.config import CfgNode

from ..dataset import layout
from ..dataset.layout import IdentityRow, ImageRow
from ..errors import UserError
from ..files import sha256, write_atomic
from .candidate import Candidate, CandidateMaker, Drawn
from .drawer import Drawer
from .folder import read_finished
from .spec import BuildSpec


def rebuild(cfg: CfgNode, output: str | Path, pid: int) -> tuple[int, int]:
    """Draw one identity of a finished set again and put back what is missing or altered.

    Args:
        cfg: the settings the set was made with.
        output: folder of the set; only its tables need to be whole.
        pid: identity, from 1.

    Returns:
        The number of the identity's images, and how many of them were written.

    Raises:
        UserError: no such set or identity, other settings or models, or images that come out
            different from their record; nothing is written then.
    """
    spec, root = BuildSpec.from_config(cfg), Path(output)
    if not (root / layout.DATASET).is_file():
        raise UserError(f"{root} holds no finished set; --only makes an identity of one again")
    dataset = read_finished(root, spec.settings)
    person, rows = _read_record(root, pid)
    images = {
        divmod(image.cell, spec.grid.num_cells): image
        for image in _draw(spec, dataset, person).images
    }
    _refuse_different(pid, rows, images)
    damaged = [row for row in rows if _is_damaged(root / row.file, row.sha256)]
    for row in damaged:
        (root / row.file).parent.mkdir(exist_ok=True)
        write_atomic(root / row.file, images[_copy_and_cell(row)].jpeg)
    return len(rows), len(damaged)


def _read_record(root: Path, pid: int) -> tuple[IdentityRow, list[ImageRow]]:
    """Read what the tables say about one identity."""
    problems: list[str] = []
    people = {row.pid: row for row in layout.read_rows(root, IdentityRow, problems)}
    rows = [row for row in layout.read_rows(root, ImageRow, problems) if row.pid == pid]
    if problems or pid not in people or not rows or people[pid].candidate < 0:
        reason = problems[0] if problems else f"its identities are 1 to {len(people)}"
        raise UserError(f"{root} has no record of identity {pid}: {reason}")
    return people[pid], rows


def _draw(spec: BuildSpec, dataset: dict[str, Any], person: IdentityRow) -> Candidate:
    """Draw the candidate in the batch it was first drawn in."""
    drawer = Drawer(spec)
    models, recorded = drawer.models(), dataset["models"]
    changed = sorted(role for role in models if models[role] != recorded.get(role))
    if changed:
        raise UserError(f"the set was made by other models ({', '.join(changed)} changed)")
    number = person.candidate % spec.route.batch_size
    start = person.candidate - number
    batch = list(islice(spec.identities(), start, start + spec.route.batch_size))
    if [identity.prompt for identity in batch[number : number + 1]] != [person.prompt]:
        raise UserError(
            f"identity {person.pid} now has another prompt: the set was made by another version"
        )
    maker = CandidateMaker(spec)
    return maker.finish(maker.judge(*drawer.draw(batch)[number]), drawer.painter)


def _copy_and_cell(row: ImageRow) -> tuple[int, int]:
    """Return which canvas of its identity an image is from, and which cell of it."""
    name = layout.parse_name(row.file)
    return (name.copy, name.cell) if name else (0, row.cell)


def _refuse_different(pid: int, rows: list[ImageRow], images: dict[tuple[int, int], Drawn]) -> None:
    """Refuse images that are not those of the record."""
    different = [
        row
        for row in rows
        if (place := _copy_and_cell(row)) not in images or sha256(images[place].jpeg) != row.sha256
    ]
    if different or len(rows) != len(images):
        raise UserError(
            f"identity {pid} came out different from its record ({len(different)} of {len(rows)} "
            f"images, the first is {(different or rows)[0].file}): another machine or other "
            "software; nothing was written"
        )


def _is_damaged(path: Path, expected: str) -> bool:
    return not path.is_file() or sha256(path.read_bytes()) != expected

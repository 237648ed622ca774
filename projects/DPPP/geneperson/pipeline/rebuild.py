"""Making one identity of a finished set again, from its record alone."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from yacs.config import CfgNode

from .. import config
from ..dataset import layout
from ..dataset.layout import IdentityRow, ImageRow
from ..errors import UserError
from ..files import sha256, write_atomic
from ..prompting import prompts, vocabulary
from ..synthesis import build_synthesizer, draws_in_workers
from .build import read_finished
from .candidate import Candidate, CandidateMaker
from .drawn_ahead import load_models
from .provenance import describe


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
    config.check(cfg)
    root, words = Path(output), vocabulary.load(cfg.VOCABULARY.FILE)
    if not (root / layout.DATASET).is_file():
        raise UserError(f"{root} holds no finished set; --only makes an identity of one again")
    dataset = read_finished(root, describe(cfg, words))
    problems: list[str] = []
    people = {row.pid: row for row in layout.read_rows(root, IdentityRow, problems)}
    rows = [row for row in layout.read_rows(root, ImageRow, problems) if row.pid == pid]
    if problems or pid not in people or not rows or people[pid].candidate < 0:
        reason = problems[0] if problems else f"its identities are 1 to {len(people)}"
        raise UserError(f"{root} has no record of identity {pid}: {reason}")
    images = {image.cell: image for image in _draw(cfg, words, dataset, people[pid]).images}
    different = [
        row for row in rows if row.cell not in images or sha256(images[row.cell].jpeg) != row.sha256
    ]
    if different or len(rows) != len(images):
        raise UserError(
            f"identity {pid} came out different from its record ({len(different)} of {len(rows)} "
            f"images, the first is {different[0].file if different else rows[0].file}): another "
            "machine or other software; nothing was written"
        )
    spoilt = [row for row in rows if _is_spoilt(root / row.file, row.sha256)]
    for row in spoilt:
        (root / row.file).parent.mkdir(exist_ok=True)
        write_atomic(root / row.file, images[row.cell].jpeg)
    return len(rows), len(spoilt)


def _draw(
    cfg: CfgNode, words: vocabulary.Vocabulary, dataset: dict, person: IdentityRow
) -> Candidate:
    """Draw the candidate in the batch it was drawn in at first."""
    if draws_in_workers(cfg.SYNTHESIS.NAME):
        synthesizer = build_synthesizer(cfg)
    else:
        synthesizer, models = load_models(cfg)
        recorded = {key: model for key, model in dataset["models"].items() if key != "synthesis"}
        changed = sorted(key for key in models if models[key] != recorded.get(key))
        if changed:
            raise UserError(f"the set was made by other models ({', '.join(changed)} changed)")
    number = person.candidate % synthesizer.batch_size
    start = person.candidate - number
    stream = prompts.identities_of(cfg, words)
    batch = list(islice(stream, start, start + synthesizer.batch_size))
    if [one.prompt for one in batch[number : number + 1]] != [person.prompt]:
        raise UserError(
            f"identity {person.pid} has another prompt by now: the set was made by another version"
        )
    canvas = synthesizer.characters(batch)[number]
    return CandidateMaker(cfg, synthesizer=synthesizer).make(batch[number], canvas)


def _is_spoilt(path: Path, expected: str) -> bool:
    return not path.is_file() or sha256(path.read_bytes()) != expected

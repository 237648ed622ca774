"""The order of the steps of a build, and what makes it resumable and independent of its workers.

Candidates are drawn in the order of the prompt stream and staged one by one. The first
``IDENTITIES.TRAIN`` accepted ones train, the next ``IDENTITIES.TEST`` are held out; only then are
names given and files moved into place.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from tqdm import tqdm
from yacs.config import CfgNode

from .. import config
from ..dataset import layout
from ..errors import UserError
from ..posing.cells import cell_poses
from ..prompting import prompts, vocabulary
from ..prompting.vocabulary import Vocabulary
from ..synthesis import check_name, draws_in_workers
from ..worlds.catalogue import get_world
from .drawn_ahead import drawn_ahead, refuse_other_models
from .provenance import code_digest, describe, difference
from .publish import publish
from .staging import Record, Staging
from .workers import draw_in_order

MAX_REJECTED_IN_A_ROW = 50  # then something is wrong with the settings, not with the candidates

_CODE = "code_sha256"  # in build.json

logger = logging.getLogger(__name__)


def build(cfg: CfgNode, output: str | Path, workers: int = 1) -> dict:
    """Build a data set, or go on with one that was interrupted.

    The same configuration gives the same images, whatever the number of workers and however often
    the build was stopped.

    Args:
        cfg: settings, see `config.get_cfg` and `config.load`.
        output: folder of the data set: new, empty, or begun by the same configuration.
        workers: processes that draw, at least 1.

    Returns:
        The content of ``dataset.json``.

    Raises:
        UserError: settings, folder or disk that cannot be used. What was drawn so far is kept.
    """
    if workers < 1:
        raise UserError(f"workers is {workers}, must be 1 or more")
    config.check(cfg)
    get_world(cfg.WORLD)
    check_name(cfg.SYNTHESIS.NAME)
    cell_poses(cfg)  # a pose file that cannot be used is refused before anything else
    words = vocabulary.load(cfg.VOCABULARY.FILE)
    prompts.check_capacity(words, cfg.IDENTITIES.TRAIN + cfg.IDENTITIES.TEST)
    output, settings = Path(output), describe(cfg, words)
    with _disk_trouble(output):
        _refuse_foreign(output)
        staging = Staging(output)
        if staging.root.exists() or not (output / layout.DATASET).exists():
            with staging.lock():
                try:
                    return _build_locked(cfg, words, settings, output, staging, workers)
                except UserError:
                    _leave_nothing_empty(output, staging)
                    raise
        return _finished(cfg, output, settings)


def _build_locked(
    cfg: CfgNode,
    words: Vocabulary,
    settings: dict,
    output: Path,
    staging: Staging,
    workers: int,
) -> dict:
    if (
        output / layout.DATASET
    ).exists():  # killed between the last two steps, or finished just now
        dataset = _finished(cfg, output, settings)
    else:
        begun = settings | {_CODE: code_digest()}
        previous = staging.read_settings()
        if previous is not None and not staging.is_empty():
            _refuse_other_build(previous, begun, output)
        staging.open(begun)
        records = _draw(cfg, words, staging, workers)
        accepted = {record.index for record in records if record.images}
        stream = islice(prompts.identities_of(cfg, words), len(records))
        identities = {identity.index: identity for identity in stream if identity.index in accepted}
        dataset = publish(cfg, settings, output, staging, records, identities)
    staging.remove()
    return dataset


def _refuse_other_build(previous: dict, begun: dict, output: Path) -> None:
    """One set is never made by two configurations, nor by two versions of the code."""
    different = difference(previous, begun)
    if different is None:
        return
    if different.startswith(_CODE):
        different = "another version of this program's code"
    raise UserError(
        f"{output} holds an unfinished build with {different}; choose another --output, or delete "
        f"{output / layout.STAGING} to start again"
    )


def _leave_nothing_empty(output: Path, staging: Staging) -> None:
    """After a failure before anything was drawn, leave the disk as it was."""
    if staging.is_empty() and not (output / layout.DATASET).exists():
        staging.remove()
        if not any(output.iterdir()):
            output.rmdir()


def _draw(cfg: CfgNode, words: Vocabulary, staging: Staging, workers: int) -> list[Record]:
    """Stage candidates in order until enough are accepted; those on disk are not drawn again."""
    needed = cfg.IDENTITIES.TRAIN + cfg.IDENTITIES.TEST
    staged = staging.indices()
    identities = prompts.identities_of(cfg, words)
    if draws_in_workers(cfg.SYNTHESIS.NAME):
        jobs, scenes_dir = ((one, None) for one in identities if one.index not in staged), None
    else:
        jobs, scenes_dir = drawn_ahead(cfg, identities, staged, staging), staging.scenes
    records: list[Record] = []
    num_accepted = num_images = rejected_in_a_row = 0
    start = time.monotonic()
    with (
        closing(draw_in_order(cfg, jobs, min(workers, needed), scenes_dir)) as drawn,
        tqdm(total=needed, unit="identity", desc="geneperson") as progress,
    ):
        while num_accepted < needed:
            index = len(records)
            if index in staged:
                record = staging.read(index)
            else:
                candidate = next(drawn, None)
                if candidate is None:
                    raise UserError(
                        f"the vocabulary's outfits are used up after {index} candidates, of which "
                        f"{num_accepted} were good enough; add words or ask for fewer identities"
                    )
                record = staging.write(candidate)
                num_images += len(record.images)
            records.append(record)
            if record.images:
                num_accepted, rejected_in_a_row = num_accepted + 1, 0
                rate = num_images / (time.monotonic() - start)
                progress.set_postfix_str(f"{rate:.0f} images/s", refresh=False)
                progress.update()
            else:
                rejected_in_a_row += 1
                _refuse_endless_rejection(records, rejected_in_a_row)
    return records


def _refuse_endless_rejection(records: list[Record], in_a_row: int) -> None:
    if in_a_row < MAX_REJECTED_IN_A_ROW:
        return
    reasons = Counter(
        reason for record in records[-in_a_row:] for reason in record.rejected.values()
    )
    listed = ", ".join(f"{reason} {number}" for reason, number in reasons.most_common())
    raise UserError(
        f"{in_a_row} candidates in a row were rejected (cells: {listed}); "
        f"loosen the limits of QUALITY, and delete the folder {layout.STAGING} in the output"
    )


def read_finished(output: Path, settings: dict) -> dict:
    """Read ``dataset.json`` of a finished set of the same settings; refuse one of others."""
    path = output / layout.DATASET
    try:
        dataset = json.loads(path.read_bytes())
        different = difference({key: dataset[key] for key in settings}, settings)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged; choose another --output") from error
    if different:
        raise UserError(
            f"{output} holds a finished set with {different}; choose another --output or delete it"
        )
    return dataset


def _finished(cfg: CfgNode, output: Path, settings: dict) -> dict:
    """Accept a finished set whose files are all there, made by the models of the settings."""
    dataset = read_finished(output, settings)
    if not draws_in_workers(cfg.SYNTHESIS.NAME):
        refuse_other_models(cfg, dataset["models"], output)
    rows = layout.read_rows(output, layout.ImageRow, [])
    missing = [row for row in rows if not (output / row.file).is_file()]
    if missing or len(rows) != sum(dataset["images"].values()):
        raise UserError(
            f"{output} was finished, but files are missing since then: run verify on it, and "
            "build --only PID for each identity that it names"
        )
    logger.info("%s: already complete", output)
    return dataset


def _refuse_foreign(output: Path) -> None:
    """Touch nothing in a folder that is not ours."""
    if not output.exists():
        return
    if not output.is_dir():
        raise UserError(f"{output} is not a folder; choose another --output")
    names = {path.name for path in output.iterdir()}
    has_staging = layout.STAGING in names
    begun = has_staging and Staging(output).is_ours()
    if names and not begun and (has_staging or layout.DATASET not in names):
        raise UserError(
            f"{output} is not empty and holds no data set of ours; choose another --output"
        )


@contextmanager
def _disk_trouble(output: Path) -> Iterator[None]:
    """Turn a full, read-only or forbidden disk into one line."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {error.filename or output}: {error.strerror}; mend that and run the "
            "same command again, it goes on where it was"
        ) from error

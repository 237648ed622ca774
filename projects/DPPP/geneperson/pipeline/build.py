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
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm
from yacs.config import CfgNode

from ..dataset import layout
from ..errors import UserError
from .candidate import Candidate
from .drawn_ahead import Artist, refuse_other_models
from .provenance import code_digest, difference
from .publish import publish
from .spec import BuildSpec
from .staging import Record, Staging
from .twins import TwinCheck
from .workers import finish_in_order, make_in_order

MAX_REJECTED_IN_A_ROW = 50  # more mean that the settings are wrong, not the candidates

_CODE = "code_sha256"  # in build.json

logger = logging.getLogger(__name__)


def build(cfg: CfgNode, output: str | Path, workers: int = 1) -> dict[str, Any]:
    """Build a data set, or resume one that was interrupted.

    The same configuration gives the same images, whatever the number of workers and however often
    the build was stopped.

    Args:
        cfg: settings, see ``config.get_cfg`` and ``config.load``.
        output: folder of the data set: new, empty, or started by the same configuration.
        workers: processes that draw, at least 1.

    Returns:
        The content of ``dataset.json``.

    Raises:
        UserError: settings, folder or disk that cannot be used. What was drawn so far is kept.
    """
    if workers < 1:
        raise UserError(f"workers is {workers}, must be 1 or more")
    spec, output = BuildSpec.from_config(cfg), Path(output)
    with _disk_trouble(output):
        _refuse_foreign(output)
        staging = Staging(output)
        if (output / layout.DATASET).exists() and not staging.root.exists():
            return _finished(spec, output)
        was_there = output.exists()
        with staging.lock(), _nothing_empty_after_failure(output, staging, was_there=was_there):
            return _build_locked(spec, output, staging, workers)


def _build_locked(spec: BuildSpec, output: Path, staging: Staging, workers: int) -> dict[str, Any]:
    if (output / layout.DATASET).exists():
        # killed between the last two steps, or finished a moment ago by another build
        dataset = _finished(spec, output)
    else:
        settings = spec.settings | {_CODE: code_digest()}
        saved = staging.read_settings()
        if saved is not None and not staging.is_empty():
            _refuse_other_build(saved, settings, output)
        staging.open(settings)
        records = _draw(spec, output, staging, workers)
        accepted = {record.index for record in records if record.images}
        stream = islice(spec.identities(), len(records))
        identities = {identity.index: identity for identity in stream if identity.index in accepted}
        dataset = publish(spec, output, staging, records=records, identities=identities)
    staging.remove()
    return dataset


def _refuse_other_build(saved: dict[str, Any], settings: dict[str, Any], output: Path) -> None:
    """Refuse to continue a build of another configuration or another version of the code."""
    different = difference(saved, settings)
    if different is None:
        return
    if different.startswith(_CODE):
        different = "another version of this program's code"
    raise UserError(
        f"{output} holds an unfinished build with {different}; choose another --output, or delete "
        f"{output / layout.STAGING} to start again"
    )


@contextmanager
def _nothing_empty_after_failure(
    output: Path, staging: Staging, *, was_there: bool
) -> Iterator[None]:
    """After a failure before anything was drawn, leave the disk as it was.

    A folder that was there stays, even if empty: it may be the one that the user is in.
    """
    try:
        yield
    except UserError:
        if staging.is_empty() and not (output / layout.DATASET).exists():
            staging.remove()
            if not was_there and not any(output.iterdir()):
                output.rmdir()
        raise


def _draw(spec: BuildSpec, output: Path, staging: Staging, workers: int) -> list[Record]:
    """Stage candidates in order until enough are accepted; those on disk are not drawn again."""
    needed, staged = spec.num_identities, staging.indices()
    candidates = _candidates(spec, output, staging, min(workers, needed))
    records: list[Record] = []
    num_accepted = num_images = rejected_in_a_row = 0
    start = time.monotonic()
    with (
        closing(candidates) as drawn,
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
                        f"{num_accepted} were accepted; add words or ask for fewer identities"
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


def _candidates(
    spec: BuildSpec, output: Path, staging: Staging, num_workers: int
) -> Generator[Candidate, None, None]:
    """Yield the candidates that are not on disk yet, in order; close it to stop the workers."""
    staged = [staging.read(index) for index in sorted(staging.indices())]
    on_disk = {record.index for record in staged}
    twins = TwinCheck(spec.picture, staged)
    if spec.route.draws_in_workers:
        missing = (each for each in spec.identities() if each.index not in on_disk)
        with closing(make_in_order(spec, missing, num_workers)) as made:
            yield from twins.pass_on(made)
        return
    num_missing = spec.num_identities - sum(bool(record.images) for record in staged)
    artist = Artist(spec, output, staging, num_missing=num_missing)
    yield from finish_in_order(
        spec,
        artist.draw(on_disk),
        num_workers,
        lambda judged: artist.paint(twins.pass_on(judged)),
    )


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


def read_finished(output: Path, settings: dict[str, Any]) -> dict[str, Any]:
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


def _finished(spec: BuildSpec, output: Path) -> dict[str, Any]:
    """Accept a finished set with all its files, made by the models of the settings."""
    dataset = read_finished(output, spec.settings)
    refuse_other_models(spec, dataset["models"], output)
    rows = layout.read_rows(output, layout.ImageRow, [])
    missing = [row for row in rows if not (output / row.file).is_file()]
    if missing or len(rows) != sum(dataset["images"].values()):
        raise UserError(
            f"{output} was finished, but files have gone missing since: run verify on it, and "
            "build --only PID for each identity that it names"
        )
    logger.info("%s: already complete", output)
    return dataset


def _refuse_foreign(output: Path) -> None:
    """Refuse a folder that holds anything that is not ours."""
    if not output.exists():
        return
    if not output.is_dir():
        raise UserError(f"{output} is not a folder; choose another --output")
    names = {path.name for path in output.iterdir()}
    has_staging = layout.STAGING in names
    is_unfinished = has_staging and Staging(output).is_ours()
    if names and not is_unfinished and (has_staging or layout.DATASET not in names):
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
            f"cannot write {error.filename or output}: {error.strerror}; fix that and run the "
            "same command again to resume"
        ) from error

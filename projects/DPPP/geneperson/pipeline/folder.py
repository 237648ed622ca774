"""The output folder as a build finds it: foreign, begun, finished, or not to be written."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..dataset import layout
from ..errors import UserError
from .canvases import warn_of_lost
from .drawer import refuse_other_models
from .provenance import code_digest, difference
from .spec import BuildSpec
from .staging import Staging

# In build.json and dataset.json:
CODE = "code_sha256"  # one digest for each version that drew
REFINED_FROM = "refined_from"  # name of the set whose canvases were cut out again

logger = logging.getLogger(__name__)


def begin(
    staging: Staging,
    settings: dict[str, Any],
    *,
    accept_code_change: bool,
    owns: Callable[[int], bool] | None = None,
) -> list[str]:
    """Start an unfinished build, or go on with it.

    Args:
        staging: of the build.
        settings: what decides about the set.
        accept_code_change: whether to go on with what another version of the code has drawn.
        owns: whether a candidate belongs to this shard; None for a build, to which all belong.

    Returns:
        Digests of the versions of the code that drew, the running one last.

    Raises:
        UserError: what is there was made with other settings, or by another version.
    """
    output, code = staging.root.parent, [code_digest()]
    is_alone = owns is None  # other shards may be drawing their first candidates
    saved = None if is_alone and staging.is_empty() else staging.read_settings()
    if saved is not None:
        earlier = saved.pop(CODE, [])
        different = difference(saved, settings)
        hint = f"choose another --output, or delete {staging.root} to start again"
        if different is not None:
            raise UserError(f"{output} holds an unfinished build with {different}; {hint}")
        if earlier[-1:] == code:
            code = earlier
        elif accept_code_change:
            code = [*earlier, *code]
        else:
            raise UserError(
                f"{output} holds an unfinished build with another version of this program's code; "
                f"go on with --accept-code-change, {hint}"
            )
    staging.open(settings | {CODE: code}, owns)
    return code


@contextmanager
def nothing_empty_after_failure(
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


def read_finished(output: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Read ``dataset.json`` of a finished set of the same settings; refuse one of others."""
    path = output / layout.DATASET
    try:
        dataset = json.loads(path.read_bytes())
        recorded = {"configuration": dataset["configuration"]}
        recorded |= {key: dataset.get(key) for key in settings}
        different = difference(recorded, settings)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged; choose another --output") from error
    if different:
        raise UserError(
            f"{output} holds a finished set with {different}; choose another --output or delete it"
        )
    return dataset


def read_whole(spec: BuildSpec, output: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Accept a finished set with all its files, made by the models of the settings."""
    dataset = read_finished(output, settings)
    if REFINED_FROM in dataset and REFINED_FROM not in settings:
        raise UserError(
            f"{output} holds a set refined from {dataset[REFINED_FROM]!r}, not a drawn one; choose "
            "another --output or delete it"
        )
    refuse_other_models(spec, dataset["models"], output)
    rows = layout.read_rows(output, layout.ImageRow, [])
    missing = [row for row in rows if not (output / row.file).is_file()]
    if missing or len(rows) != sum(dataset["images"].values()):
        raise UserError(
            f"{output} was finished, but files have gone missing since: run verify on it, and "
            "build --only PID for each identity that it names"
        )
    logger.info("%s: already complete", output)
    if spec.keep_canvases and not spec.route.draws_in_workers:
        warn_of_lost(spec, output, range(sum(dataset["candidates"].values())))
    return dataset


def refuse_foreign(output: Path) -> None:
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
def disk_trouble(output: Path) -> Iterator[None]:
    """Turn a full, read-only or forbidden disk into one line."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {error.filename or output}: {error.strerror}; fix that and run the "
            "same command again to resume"
        ) from error

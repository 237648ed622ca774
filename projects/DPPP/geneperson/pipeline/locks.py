"""Who may write into a staging folder: one build alone, or the shards of one number together."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import UserError
from .shard import Shard

_BUILD = "lock"


@contextmanager
def hold(root: Path, shard: Shard | None) -> Iterator[None]:
    """Hold a staging folder. The locks go with the process, however that ends.

    Args:
        root: the folder; it exists.
        shard: None for a build, which must be alone.

    Raises:
        UserError: a build is running here; or this shard is, or one of another number of them.
    """
    where = root.parent
    with ExitStack() as held:
        mode = fcntl.LOCK_EX if shard is None else fcntl.LOCK_SH
        if not held.enter_context(_locked(root / _BUILD, mode)):
            raise UserError(
                f"{where}: another build is writing here; wait for it or choose another --output"
            )
        if shard is not None:
            for path in _of_other_numbers(root, shard):
                # shared: shards that start together look at the same old files
                with _locked(path, fcntl.LOCK_SH) as is_free:
                    if not is_free:
                        raise UserError(
                            f"{where}: {path.stem} is running; all shards must be of one number"
                        )
            own = root / f"shard-{shard.number}-of-{shard.count}.lock"
            if not held.enter_context(_locked(own, fcntl.LOCK_EX)):
                raise UserError(f"{where}: shard {shard} is running already")
        yield


def _of_other_numbers(root: Path, shard: Shard) -> list[Path]:
    same = f"-of-{shard.count}.lock"
    return [path for path in root.glob("shard-*.lock") if not path.name.endswith(same)]


@contextmanager
def _locked(path: Path, mode: int) -> Iterator[bool]:
    """Try to lock a file; the block learns whether it could."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True

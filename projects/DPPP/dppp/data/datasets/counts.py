"""Published numbers of images, identities and cameras: a difference is logged, never refused."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from fastreid.utils.logger import log_first_n

from ...log import LOGGER_NAME

# Numbers in a test part, strings in a training part.
Pid = TypeVar("Pid", int, str)
Camera = TypeVar("Camera", int, str)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Counts of a part of a data set; None where a number is not published."""

    images: int | None = None
    identities: int | None = None
    cameras: int | None = None


def count(items: Sequence[tuple]) -> Counts:
    """Return the counts of ``(path, identity, camera)`` items."""
    return Counts(
        images=len(items),
        identities=len({item[1] for item in items}),
        cameras=len({item[2] for item in items}),
    )


def cameras_by_identity(items: Iterable[tuple[str, Pid, Camera]]) -> defaultdict[Pid, set[Camera]]:
    """Return identity -> its cameras, of ``(path, identity, camera)``; others have none."""
    cameras: defaultdict[Pid, set[Camera]] = defaultdict(set)
    for _, pid, camera in items:
        cameras[pid].add(camera)
    return cameras


def differences(items: Sequence[tuple], known: Counts) -> list[str]:
    """Return what differs from the published counts, "5 images (published: 7)"."""
    actual = asdict(count(items))
    return [
        f"{actual[what]:,} {what} (published: {number:,})"
        for what, number in asdict(known).items()
        if number not in (None, actual[what])
    ]


def warn_if_different(name: str, part: str, items: Sequence[tuple], known: Counts) -> None:
    """Log a warning, once per process, if a part's counts differ from the published ones."""
    if different := differences(items, known):
        where = f" (first image: {items[0][0]})" if items else ""
        message = (
            f"data set {name}, {part}: {', '.join(different)}{where}; it is another version or "
            "incomplete"
        )
        log_first_n(logging.WARNING, message, name=LOGGER_NAME, key="message")

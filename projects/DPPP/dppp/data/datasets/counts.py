"""Known numbers of images, identities and cameras: other ones are told of, never refused."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from fastreid.utils.logger import log_first_n


@dataclass(frozen=True)
class Counts:
    """What is known of a part of a data set; None where it is not."""

    images: int | None = None
    identities: int | None = None
    cameras: int | None = None


def count(items: Sequence[tuple]) -> Counts:
    """Counts of ``(path, identity, camera)`` items."""
    return Counts(len(items), len({item[1] for item in items}), len({item[2] for item in items}))


def cameras_by_identity(items: Iterable[tuple]) -> defaultdict[int | str, set[int | str]]:
    """Identity -> the cameras that saw it, none for others; of ``(path, identity, camera)``."""
    cameras = defaultdict(set)
    for _, pid, camera in items:
        cameras[pid].add(camera)
    return cameras


def warn_if_different(name: str, part: str, items: Sequence[tuple], known: Counts) -> None:
    """One line for a part of a data set whose counts are not the known ones, once a process."""
    found = asdict(count(items))
    different = [
        f"{found[what]:,} {what} (known: {number:,})"
        for what, number in asdict(known).items()
        if number not in (None, found[what])
    ]
    if different:
        where = f" (first image: {items[0][0]})" if items else ""
        message = (
            f"data set {name}, {part}: {', '.join(different)}{where}; it is another version, "
            "or not whole"
        )
        log_first_n(logging.WARNING, message, name="fastreid.dppp", key="message")

"""Checks that need only the rows of a data set, not its images; each returns the problems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ..worlds.lighting import NEUTRAL
from . import layout
from .layout import IdentityRow, ImageRow


def check_identities(identities: Iterable[IdentityRow], images: Iterable[ImageRow]) -> list[str]:
    """Check that pids are unique and have images, splits are disjoint, prompts do not repeat."""
    problems: list[str] = []
    where = layout.IDENTITIES
    splits: dict[int, set[str]] = defaultdict(set)
    num_lines: dict[int, int] = defaultdict(int)
    prompts: dict[str, int] = {}
    with_images = {row.pid for row in images}
    for row in identities:
        splits[row.pid].add(row.split)
        num_lines[row.pid] += 1
        if row.split not in layout.SPLITS:
            problems.append(f"{where}: pid {row.pid} has unknown split {row.split!r}")
        if row.pid not in with_images:
            problems.append(f"{where}: pid {row.pid} has no images")
        first = prompts.setdefault(row.prompt, row.pid)
        if first != row.pid:
            problems.append(f"{where}: pids {first} and {row.pid} have the same prompt")
    for pid, number in num_lines.items():
        if len(splits[pid]) > 1:
            problems.append(f"{where}: pid {pid} is in train and in test")
        elif number > 1:
            problems.append(f"{where}: pid {pid} has {number} lines")
    return problems


def check_rows(identities: Iterable[IdentityRow], images: Iterable[ImageRow]) -> list[str]:
    """Check every image row against its file name, its identity and the other rows."""
    problems: list[str] = []
    splits = {row.pid: row.split for row in identities}
    seen: set[str] = set()
    for row in images:
        if row.file in seen:
            problems.append(f"{row.file}: several lines in {layout.IMAGES}")
        seen.add(row.file)
        folder, _, base = row.file.partition("/")
        name = layout.parse_name(base)
        if folder not in layout.FOLDERS or "/" in base or name is None:
            problems.append(f"{row.file}: not a file name of this data set")
            continue
        pairs: tuple[tuple[str, object, object], ...] = (
            ("pid", name.pid, row.pid),
            ("camera", _at(layout.SCENE_NAMES, name.camera), row.scene),
            ("lighting", _at(layout.LIGHTING_NAMES, name.lighting), row.lighting),
            ("cell", name.cell, row.cell),
        )
        for what, by_name, by_row in pairs:
            if by_name != by_row:
                problems.append(
                    f"{row.file}: mislabelled, {what} is {by_name!r} by its name but {by_row!r} in "
                    f"{layout.IMAGES}"
                )
        if row.drawn_lighting not in (NEUTRAL, row.lighting):
            problems.append(
                f"{row.file}: shows {row.lighting}, but was drawn under {row.drawn_lighting}"
            )
        split = splits.get(row.pid)
        if split is None:
            problems.append(f"{row.file}: pid {row.pid} is missing in {layout.IDENTITIES}")
        elif (split == "train") != (folder == layout.TRAIN):
            problems.append(f"{row.file}: pid {row.pid} belongs to '{split}'")
    return problems


def check_held_out(images: Iterable[ImageRow]) -> list[str]:
    """Check that held-out identities can be evaluated: two cameras, a match for each query."""
    problems: list[str] = []
    queries: dict[int, list[ImageRow]] = defaultdict(list)
    gallery: dict[int, set[str]] = defaultdict(set)
    scenes: dict[int, set[str]] = defaultdict(set)
    for row in images:
        folder = row.file.split("/")[0]
        if folder == layout.TRAIN:
            continue
        scenes[row.pid].add(row.scene)
        if folder == layout.QUERY:
            queries[row.pid].append(row)
        else:
            gallery[row.pid].add(row.scene)
    for pid, seen in sorted(scenes.items()):
        if len(seen) < 2:
            problems.append(
                f"{layout.IMAGES}: held-out pid {pid} is seen by one camera only; evaluation needs "
                "images from two"
            )
        if not queries[pid]:
            problems.append(f"{layout.IMAGES}: held-out pid {pid} has no query image")
        for row in queries[pid]:
            if not gallery[pid] - {row.scene}:
                problems.append(
                    f"{row.file}: a query without a gallery image of pid {pid} in another camera"
                )
    return problems


def _at(names: tuple[str, ...], number: int) -> str:
    return names[number - 1]

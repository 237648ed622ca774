"""Checks of a folder in Market-1501's layout, or of ClonedPerson's: counts, problems and notes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from tqdm import tqdm

from ..errors import UserError
from .datasets.counts import Counts, cameras_by_identity, count, differences
from .datasets.folders import image_names
from .datasets.market_style import JUNK_PID
from .images import read_image
from .layouts import Layout, find_layout

MIN_HEIGHT_PX, MIN_WIDTH_PX = 32, 16
_NUM_SHOWN = 10  # identities listed per problem

Item = tuple[str, int, str]  # path, identity, camera


@dataclass(kw_only=True)
class DatasetReport:
    """Findings on a folder.

    Attributes:
        counts: part (folder) -> its images, identities and cameras, without junk (pid -1).
        problems: what makes training fail or scores wrong, one line each.
        notes: what is allowed and worth knowing, one line each.
    """

    counts: dict[str, Counts] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def describe_dataset(directory: str | Path) -> DatasetReport:
    """Count the images of a folder, open every one, and compare its parts.

    Raises:
        UserError: the folder has none of the parts of a layout.
    """
    folder, report = Path(directory), DatasetReport()
    layout = find_layout(folder)
    items: dict[str, list[Item]] = {part: [] for part in layout.parts}
    for part in layout.parts:
        if (folder / part).is_dir():
            items[part] = _read_names(folder, part, layout, report)
            report.counts[part] = count(items[part])
            _open_images(items[part], part, report)
    _check_training(items[layout.train], layout, report)
    _check_test(items[layout.query], items[layout.gallery], layout, report)
    tested = {item[1] for part in (layout.query, layout.gallery) for item in items[part]}
    if shared := {item[1] for item in items[layout.train]} & tested:
        report.problems.append(f"trained on and tested on: {_listed(shared)}")
    for known in layout.known.values():
        different = differences(list(chain(*items.values())), known)
        report.notes += [f"all parts: {what}" for what in different]
    return report


def _read_names(folder: Path, part: str, layout: Layout, report: DatasetReport) -> list[Item]:
    items = []
    for name in image_names(folder / part):
        labels = layout.parse(name)
        if labels is None:
            report.problems.append(f"{part}/{name}: not {layout.names}")
        elif labels[0] != JUNK_PID:
            items.append((str(folder / part / name), *labels))
    if not items:
        report.problems.append(f"{part}: no image with an identity and a camera")
    return items


def _open_images(items: list[Item], part: str, report: DatasetReport) -> None:
    for path, _, _ in tqdm(items, desc=part, unit="image", disable=None):
        where = f"{part}/{Path(path).name}"
        try:
            width, height = read_image(path).size  # as in training: rotated as EXIF says
        except UserError as error:
            report.problems.append(str(error))
            continue
        if width < MIN_WIDTH_PX or height < MIN_HEIGHT_PX:
            report.problems.append(
                f"{where}: {width} x {height} px is too small (width x height at least "
                f"{MIN_WIDTH_PX} x {MIN_HEIGHT_PX})"
            )


def _check_training(items: list[Item], layout: Layout, report: DatasetReport) -> None:
    cameras, images = cameras_by_identity(items), Counter(item[1] for item in items)
    one_camera = {pid for pid, seen in cameras.items() if len(seen) == 1}
    if one_camera:
        report.notes.append(f"{layout.train}: seen by one camera only: {_listed(one_camera)}")
    one_image = {pid for pid, number in images.items() if number == 1}
    if one_image:
        report.notes.append(
            f"{layout.train}: a single image, repeated in a batch: {_listed(one_image)}"
        )


def _check_test(
    query: list[Item], gallery: list[Item], layout: Layout, report: DatasetReport
) -> None:
    if bool(query) != bool(gallery):
        report.problems.append(
            f"{len(query)} images in {layout.query} and {len(gallery)} in {layout.gallery}; a test "
            "needs both"
        )
        return
    cameras = cameras_by_identity(gallery)
    for path, pid, camera in query:
        if not cameras[pid] - {camera}:
            report.problems.append(
                f"{layout.query}/{Path(path).name}: no image of identity {pid} by another camera "
                f"in {layout.gallery}; the query is not scored"
            )
    one_camera = {
        pid for pid, seen in cameras_by_identity(query + gallery).items() if len(seen) == 1
    }
    if one_camera:
        report.notes.append(
            f"{layout.query} and {layout.gallery}: seen by one camera only: {_listed(one_camera)}"
        )


def _listed(pids: Iterable[int]) -> str:
    """Return the number of identities, and the first of them."""
    shown = sorted(pids)
    more = ", ..." if len(shown) > _NUM_SHOWN else ""
    noun = "identity" if len(shown) == 1 else "identities"
    return f"{len(shown)} {noun} ({', '.join(map(str, shown[:_NUM_SHOWN]))}{more})"

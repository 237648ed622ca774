"""Checks of a user's folder in Market-1501's layout: counts, problems and notes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from ..errors import UserError
from .datasets.counts import Counts, cameras_by_identity, count
from .datasets.folders import image_names
from .datasets.market_style import GALLERY, JUNK_PID, QUERY, TRAIN, parse_name
from .images import read_image

MIN_HEIGHT_PX, MIN_WIDTH_PX = 32, 16
_NUM_SHOWN = 10  # identities listed per problem

Item = tuple[str, int, int]  # path, identity, camera


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
    """Count a Market-style folder, open every image of it, and compare its parts.

    Raises:
        UserError: none of the three folders of images exists.
    """
    folder, report = Path(directory), DatasetReport()
    items: dict[str, list[Item]] = {}
    parts = [part for part in (TRAIN, QUERY, GALLERY) if (folder / part).is_dir()]
    if not parts:
        raise UserError(f"{folder}: no {TRAIN}, {QUERY} or {GALLERY} in it; name the folder above")
    for part in parts:
        items[part] = _read_names(folder / part, report)
        report.counts[part] = count(items[part])
        _open_images(items[part], part, report)
    _check_training(items.get(TRAIN, []), report)
    _check_test(items.get(QUERY, []), items.get(GALLERY, []), report)
    shared = {i[1] for i in items.get(TRAIN, [])} & {
        i[1] for part in (QUERY, GALLERY) for i in items.get(part, [])
    }
    if shared:
        report.problems.append(f"trained on and tested on: {_listed(shared)}")
    return report


def _read_names(folder: Path, report: DatasetReport) -> list[Item]:
    items = []
    for name in image_names(folder):
        labels = parse_name(name)
        if labels is None:
            report.problems.append(
                f"{folder.name}/{name}: not <pid>_c<camera>... (0002_c1s1_000451_03.jpg)"
            )
        elif labels[0] != JUNK_PID:
            items.append((str(folder / name), *labels))
    if not items:
        report.problems.append(f"{folder.name}: no image with an identity and a camera")
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


def _check_training(items: list[Item], report: DatasetReport) -> None:
    cameras, images = cameras_by_identity(items), Counter(item[1] for item in items)
    one_camera = {pid for pid, seen in cameras.items() if len(seen) == 1}
    if one_camera:
        report.notes.append(f"{TRAIN}: seen by one camera only: {_listed(one_camera)}")
    one_image = {pid for pid, number in images.items() if number == 1}
    if one_image:
        report.notes.append(f"{TRAIN}: a single image, repeated in a batch: {_listed(one_image)}")


def _check_test(query: list[Item], gallery: list[Item], report: DatasetReport) -> None:
    if bool(query) != bool(gallery):
        report.problems.append(
            f"{len(query)} images in {QUERY} and {len(gallery)} in {GALLERY}; a test needs both"
        )
        return
    cameras = cameras_by_identity(gallery)
    for path, pid, camera in query:
        if not cameras[pid] - {camera}:
            report.problems.append(
                f"{QUERY}/{Path(path).name}: no image of identity {pid} by another camera in "
                f"{GALLERY}; the query is not scored"
            )
    one_camera = {
        pid for pid, seen in cameras_by_identity(query + gallery).items() if len(seen) == 1
    }
    if one_camera:
        report.notes.append(
            f"{QUERY} and {GALLERY}: seen by one camera only: {_listed(one_camera)}"
        )


def _listed(pids: Iterable[int]) -> str:
    """Return the number of identities, and the first of them."""
    shown = sorted(pids)
    more = ", ..." if len(shown) > _NUM_SHOWN else ""
    noun = "identity" if len(shown) == 1 else "identities"
    return f"{len(shown)} {noun} ({', '.join(map(str, shown[:_NUM_SHOWN]))}{more})"

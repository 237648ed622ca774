"""A text table of what a data set holds, next to the numbers of the paper's own set."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import UserError
from . import layout
from .layout import IdentityRow, ImageRow

PAPER_IMAGES_PER_IDENTITY = 19.65
PAPER_KEPT_PERCENT = 46.8  # 19.65 of 42 cells
PAPER_REJECTED_PERCENT = 53.2  # the rest; it gives no reasons
BALANCE = ("gender", "body_shape", "skin_color", "hair_color")


def stats(directory: str | Path) -> str:
    """Describe a data set.

    Args:
        directory: folder of the data set.

    Raises:
        UserError: the folder is not a readable, finished data set.
    """
    root = Path(directory)
    problems: list[str] = []
    try:
        dataset = json.loads((root / layout.DATASET).read_bytes())
        identities = layout.read_rows(root, IdentityRow, problems)
        images = layout.read_rows(root, ImageRow, problems)
        if problems:
            raise ValueError(problems[0])
        return "\n".join([*_overview(dataset, images), *summary(dataset, identities), ""])
    except FileNotFoundError as error:
        raise UserError(
            f"{root} holds no finished data set ({error.filename} is missing)"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{root} cannot be read ({error}); run verify on it") from error


def summary(dataset: dict[str, Any], identities: Iterable[IdentityRow]) -> list[str]:
    """Return the lines on cells, likeness and balance, which the data card shows too.

    Args:
        dataset: content of ``dataset.json``.
        identities: all identities of the set.
    """
    cells, accepted = dataset["cells"], dataset["candidates"]["accepted"]
    lines = [
        _line("images per identity", f"{_ratio(cells['kept'], accepted):.2f}")
        + f"   (paper: {PAPER_IMAGES_PER_IDENTITY})",
        _line("cells drawn", cells["drawn"]),
        _line("cells kept", f"{100 * _ratio(cells['kept'], cells['drawn']):.1f} %")
        + f"   (paper: {PAPER_KEPT_PERCENT} %)",
        *_left_out(cells),
        *_rejections(cells),
        _line("candidates rejected", dataset["candidates"]["rejected"]),
        *_likeness(dataset.get("likeness", {})),
    ]
    rows = list(identities)
    for attribute in BALANCE:
        counts = Counter(row.attributes[attribute] for row in rows)
        lines += ["", f"{attribute.replace('_', ' ')} (identities)"]
        lines += [
            _line(f"  {word}", f"{number} ({100 * number / len(rows):.0f} %)")
            for word, number in counts.most_common()
        ]
    return lines


def _left_out(cells: dict[str, Any]) -> list[str]:
    """Count the cells that the settings did without, if any."""
    left_out = cells.get("left_out", 0)  # sets that were made before it was counted have none
    share = 100 * _ratio(left_out, cells["drawn"])
    return [_line("cells left out on purpose", f"{share:.1f} %")] if left_out else []


def _rejections(cells: dict[str, Any]) -> list[str]:
    """List the reasons, each with its share of the cells drawn."""
    drawn, reasons = cells["drawn"], cells["rejected"]
    share = 100 * _ratio(sum(reasons.values()), drawn)
    return [
        _line("cells rejected", f"{share:.1f} %") + f"   (paper: {PAPER_REJECTED_PERCENT} %)",
        *(
            _line(f"cells rejected: {reason}", f"{number} ({100 * _ratio(number, drawn):.1f} %)")
            for reason, number in reasons.items()
        ),
    ]


def _likeness(likeness: dict[str, Any]) -> list[str]:
    """Describe how alike cells and identities are, if the build recorded it."""
    if not likeness:
        return []
    nearest, largest = likeness["nearest_other"], likeness["nearest_other_max"]
    lines = [
        _line("similarity to own identity", f"{likeness['within']:.2f} (median cell, by clothes)"),
        _line("similarity to nearest other", f"{nearest:.2f} (median), {largest:.2f} (largest)"),
    ]
    if "twins" in likeness:
        lines.append(_line("pairs of twins kept", len(likeness["twins"])))
    return lines


def _overview(dataset: dict[str, Any], images: list[ImageRow]) -> list[str]:
    splits, folders = dataset["identities"], dataset["images"]
    lines = [
        _line(
            "identities", f"{sum(splits.values())} ({splits['train']} train, {splits['test']} test)"
        ),
        _line("images", len(images)),
        *(_line(f"  {folder}", number) for folder, number in folders.items()),
    ]
    for title, names, key in (
        ("camera", layout.SCENE_NAMES, "scene"),
        ("lighting", layout.LIGHTING_NAMES, "lighting"),
    ):
        counts = Counter(getattr(row, key) for row in images)
        lines += ["", f"{title} (images)"]
        lines += [
            _line(f"  {title[0] if key == 'scene' else 's'}{number} {name}", counts[name])
            for number, name in enumerate(names, start=1)
        ]
    return [*lines, ""]


def _line(label: str, value: object) -> str:
    return f"{label:<34}{value}"


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

"""One picture that shows what a data set looks like, as Figs. 3 and 4 of the paper do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..errors import UserError
from ..files import write_atomic
from ..posing.skeletons import VIEWS
from ..worlds.lighting import LIGHTINGS
from ..worlds.scenes import SCENES
from . import layout

_MAX_PEOPLE = 6  # shown from all views
_MAX_SCENE_PEOPLE = 3  # shown in all scenes and in all lightings
_TILE = (192, 96)  # height, width of one picture
_GAP, _MARGIN, _TITLE, _CAPTION, _NAME_WIDTH = 6, 24, 34, 18, 150
_INK, _PALE = (30, 32, 36), (232, 233, 236)


def preview(directory: str | Path, output_png: str | Path) -> None:
    """Write a PNG with people in rows of views, scenes and lightings.

    Args:
        directory: a finished data set.
        output_png: file to write.

    Raises:
        UserError: there is no such set, or the picture cannot be written.
    """
    root = Path(directory)
    rows, prompts = _read(root)
    people = _spread(sorted({row.pid for row in rows}), _MAX_PEOPLE)
    few = people[:_MAX_SCENE_PEOPLE]
    sections = (
        ("Views: one row a person", VIEWS, people, lambda row: row.view),
        ("Scenes (cameras c1 to c6)", SCENES, few, lambda row: row.scene),
        (
            "Lightings (s1 to s9)",
            tuple(lighting.name for lighting in LIGHTINGS),
            few,
            lambda row: row.lighting,
        ),
    )
    page = _Page(len(LIGHTINGS), [len(section[2]) for section in sections])
    for title, columns, pids, key in sections:
        page.section(title, columns)
        for pid in pids:
            mine = [row for row in rows if row.pid == pid]
            page.row(f"person {pid:04d}", prompts.get(pid, ""), _pictures(root, mine, columns, key))
    try:
        png = BytesIO()
        page.image.save(png, format="PNG")
        write_atomic(Path(output_png), png.getvalue())
    except OSError as error:
        raise UserError(f"cannot write the preview {output_png}: {error.strerror}") from error


def _read(root: Path) -> tuple[list[layout.ImageRow], dict[int, str]]:
    problems: list[str] = []
    rows = layout.read_rows(root, layout.ImageRow, problems)
    identities = layout.read_rows(root, layout.IdentityRow, problems)
    if not rows or problems:
        reason = problems[0] if problems else f"{layout.IMAGES} is missing or empty"
        raise UserError(
            f"{root} is not a finished data set ({reason}): name the --output of a build"
        )
    return rows, {row.pid: _clothes(row.attributes) for row in identities}


def _clothes(attributes: dict[str, str]) -> str:
    parts = (
        "upper_color",
        "upper_pattern",
        "upper_wear",
        "lower_color",
        "lower_pattern",
        "lower_wear",
    )
    words = [attributes.get(part, "") for part in parts]
    return f"{attributes.get('gender', '')}, {' '.join(words[:3])}, {' '.join(words[3:])}"


def _spread(pids: Sequence[int], count: int) -> list[int]:
    """Choose ``count`` of the pids, evenly over the set."""
    count = min(count, len(pids))
    return [pids[i * len(pids) // count] for i in range(count)]


def _pictures(
    root: Path,
    rows: Iterable[layout.ImageRow],
    columns: Sequence[str],
    key: Callable[[layout.ImageRow], str],
) -> list[Image.Image | None]:
    """Load the person's first picture for each column; None if there is none."""
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(key(row), row.file)
    return [_load(root / first[column]) if column in first else None for column in columns]


def _load(path: Path) -> Image.Image:
    try:
        if not path.is_file():  # reading a pipe would block
            raise OSError("not a file")
        with Image.open(path) as image:
            return image.convert("RGB").resize(_TILE[::-1], Image.Resampling.LANCZOS)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"cannot read {path}: run verify on the data set") from error


class _Page:
    """A white page that is filled from the top.

    Args:
        num_columns: columns of the widest section.
        rows_per_section: rows of pictures in each section.
    """

    def __init__(self, num_columns: int, rows_per_section: list[int]) -> None:
        width = 2 * _MARGIN + _NAME_WIDTH + num_columns * (_TILE[1] + _GAP)
        height = 2 * _MARGIN
        height += sum(_TITLE + _CAPTION + n * (_TILE[0] + _GAP) + _GAP for n in rows_per_section)
        self.image = Image.fromarray(np.full((height, width, 3), 255, np.uint8))
        self._draw = ImageDraw.Draw(self.image)
        self._y = _MARGIN

    def section(self, title: str, columns: Sequence[str]) -> None:
        """Write the title of a section and the names of its columns."""
        self._draw.text((_MARGIN, self._y), title, fill=_INK, font=ImageFont.load_default(20))
        self._y += _TITLE
        for column, name in enumerate(columns):
            middle = self._left(column) + _TILE[1] // 2
            font = ImageFont.load_default(13)
            self._draw.text((middle, self._y), name, fill=_INK, font=font, anchor="ma")
        self._y += _CAPTION

    def row(self, name: str, words: str, pictures: Sequence[Image.Image | None]) -> None:
        """Add a row of pictures with a person's name and words on its left."""
        self._draw.text((_MARGIN, self._y), name, fill=_INK, font=ImageFont.load_default(14))
        font = ImageFont.load_default(12)
        for line, text in enumerate(_wrapped(words, font, _NAME_WIDTH - 12)):
            self._draw.text((_MARGIN, self._y + 20 + 15 * line), text, fill=_INK, font=font)
        for column, picture in enumerate(pictures):
            corner = (self._left(column), self._y)
            if picture is None:
                box = (*corner, corner[0] + _TILE[1] - 1, corner[1] + _TILE[0] - 1)
                self._draw.rectangle(box, outline=_PALE)
            else:
                self.image.paste(picture, corner)
        self._y += _TILE[0] + _GAP

    @staticmethod
    def _left(column: int) -> int:
        return _MARGIN + _NAME_WIDTH + column * (_TILE[1] + _GAP)


def _wrapped(
    text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines

"""Rankings as a picture: the query, then its hits in frames that show whether they are right."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..data.datasets.folders import UNREADABLE
from ..errors import UserError
from ..files import whole_file
from .embedder import to_rgb

Overlay = Callable[[list[Image.Image]], list[Image.Image]]

_TILE_HEIGHT = 192
_FRAME, _GAP, _MARGIN, _TITLE, _CAPTION = 4, 10, 20, 24, 20
_INK, _QUERY = (30, 32, 36), (70, 110, 190)
_COLORS = {True: (30, 150, 60), False: (205, 40, 40), None: (165, 168, 174)}
_MEANINGS = {True: "same person", False: "another person", None: "unknown"}


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An image of the gallery.

    Attributes:
        file: the image.
        score: its similarity to the query, or its distance.
        same_person: whether it shows the query's person; None if unknown.
    """

    file: Path
    score: float
    same_person: bool | None


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """A query, which is an image's file or a sentence, and its hits, best first."""

    query: Path | str
    title: str
    hits: list[Hit]


def draw_rankings(
    rankings: list[Ranking], image_size: tuple[int, int], heading: str, overlay: Overlay | None
) -> Image.Image:
    """Draw one row for each ranking.

    Args:
        rankings: at least one.
        image_size: (height, width) of the model's input; the images are shown in that shape.
        heading: text at the top, before the legend of the frames.
        overlay: images -> images to show below them, all of ``image_size``.

    Raises:
        UserError: an image can no longer be read.
    """
    page = _Page(rankings, image_size, lines=2 if overlay else 1)
    page.heading(heading, {hit.same_person for r in rankings for hit in r.hits})
    for ranking in rankings:
        pictures = [_read(file, image_size) for file in _files(ranking)]
        lines = [pictures] + ([overlay(pictures)] if overlay else [])
        page.row(ranking, lines)
    return page.image


def save_picture(path: Path, picture: Image.Image) -> None:
    """Write a PNG file, whole or not at all."""
    with whole_file(path) as temporary:
        picture.save(temporary, format="PNG")


def _files(ranking: Ranking) -> list[Path | str]:
    return [ranking.query, *(hit.file for hit in ranking.hits)]


def _write(text: str, image_size: tuple[int, int]) -> Image.Image:
    """Draw a sentence on a plain tile."""
    height, width = _TILE_HEIGHT, round(_TILE_HEIGHT * image_size[1] / image_size[0])
    picture = Image.new("RGB", (width, height), (246, 247, 249))
    font = ImageFont.load_default(12)
    lines = textwrap.wrap(text, max(4, round(width / font.getlength("x")) - 2))
    ImageDraw.Draw(picture).multiline_text((5, 5), "\n".join(lines), fill=_INK, font=font)
    return picture


def _read(file: Path | str, image_size: tuple[int, int]) -> Image.Image:
    if isinstance(file, str):
        return _write(file, image_size)
    try:
        with Image.open(file) as image:
            return to_rgb(image).resize(image_size[::-1], Image.Resampling.BICUBIC)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file}: cannot be drawn ({reason}); have the images moved?") from None


class _Page:
    """A white page that is filled from the top."""

    def __init__(self, rankings: list[Ranking], image_size: tuple[int, int], lines: int) -> None:
        self._tile = (round(_TILE_HEIGHT * image_size[1] / image_size[0]), _TILE_HEIGHT)
        columns = 1 + max(len(ranking.hits) for ranking in rankings)
        width = 2 * _MARGIN + _GAP + columns * self._step()
        row = _TITLE + lines * (self._tile[1] + 2 * _FRAME) + _CAPTION + _GAP
        height = 2 * _MARGIN + _TITLE + len(rankings) * row
        self.image = Image.fromarray(np.full((height, max(width, 480), 3), 255, np.uint8))
        self._draw = ImageDraw.Draw(self.image)
        self._y = _MARGIN

    def heading(self, text: str, known: set[bool | None]) -> None:
        """Write the heading and, if anything is known, what the frames mean."""
        x = self._text(_MARGIN, text, 15)
        for truth in (True, False, None):
            if truth in known and known != {None}:
                x = self._text(x + 18, _MEANINGS[truth], 13, _COLORS[truth])
        self._y += _TITLE

    def row(self, ranking: Ranking, lines: list[list[Image.Image]]) -> None:
        """Draw a ranking: one line of images, or two with the overlay."""
        self._text(_MARGIN, ranking.title, 13)
        self._y += _TITLE
        colors = [_QUERY] + [_COLORS[hit.same_person] for hit in ranking.hits]
        for pictures in lines:
            for column, (picture, color) in enumerate(zip(pictures, colors, strict=True)):
                left = self._left(column)
                right = left + self._tile[0] + 2 * _FRAME - 1
                bottom = self._y + self._tile[1] + 2 * _FRAME - 1
                self._draw.rectangle((left, self._y, right, bottom), fill=color)
                tile = picture.resize(self._tile, Image.Resampling.LANCZOS)
                self.image.paste(tile, (left + _FRAME, self._y + _FRAME))
            self._y += self._tile[1] + 2 * _FRAME
        self._text(self._left(0), "query", 12)
        for rank, hit in enumerate(ranking.hits, start=1):
            self._text(self._left(rank), f"{rank}: {hit.score:.3f}", 12)
        self._y += _CAPTION + _GAP

    def _text(self, x: int, text: str, size: int, color: tuple[int, int, int] = _INK) -> int:
        """Write at ``x``; return where the text ends."""
        font = ImageFont.load_default(size)
        self._draw.text((x, self._y + 2), text, fill=color, font=font)
        return round(x + font.getlength(text))

    def _step(self) -> int:
        return self._tile[0] + 2 * _FRAME + _GAP

    def _left(self, column: int) -> int:
        return _MARGIN + column * self._step() + (_GAP if column else 0)

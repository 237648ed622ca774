"""Folders that can be checked: where each part of a layout is, and what a file's name says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UserError
from .datasets.counts import Counts
from .datasets.market_style import GALLERY, QUERY, TRAIN, parse_name
from .datasets.published import label_of
from .datasets.virtual import SOURCES

_CLONED = SOURCES["ClonedPerson"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A layout with a training and a test part.

    Attributes:
        train, query, gallery: the folders of the parts.
        parse: file name -> identity and camera; None if the name has none.
        names: what a name looks like, with an example.
        known: published counts of all parts together.
    """

    train: str
    query: str
    gallery: str
    parse: Callable[[str], tuple[int, str] | None]
    names: str
    known: Mapping[str, Counts] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, str, str]:
        """Return the folders of the three parts."""
        return self.train, self.query, self.gallery


def find_layout(folder: Path) -> Layout:
    """Return the layout of a folder.

    Raises:
        UserError: it has none of their folders.
    """
    if any((folder / part).is_dir() for part in MARKET_STYLE.parts):
        return MARKET_STYLE
    if any((folder / part).is_dir() for part in CLONED_PERSON.parts[1:]):
        return CLONED_PERSON
    raise UserError(
        f"{folder}: no {TRAIN}, {QUERY} or {GALLERY} in it, nor ClonedPerson's "
        f"{CLONED_PERSON.query} or {CLONED_PERSON.gallery}; name the folder above"
    )


def _market(name: str) -> tuple[int, str] | None:
    labels = parse_name(name)
    return labels and (labels[0], str(labels[1]))


def _cloned(name: str) -> tuple[int, str] | None:
    match = _CLONED.pattern.fullmatch(os.path.splitext(name)[0])
    return match and (int(label_of(match, _CLONED.person)), label_of(match, _CLONED.camera))


MARKET_STYLE = Layout(
    train=TRAIN,
    query=QUERY,
    gallery=GALLERY,
    parse=_market,
    names="<pid>_c<camera>... (0002_c1s1_000451_03.jpg)",
)
CLONED_PERSON = Layout(
    train=_CLONED.train[0],
    query=_CLONED.query[0],
    gallery=_CLONED.gallery[0],
    parse=_cloned,
    names="<pid>_s<scene>_c<camera>_f<frame> (700000_s02_c00_f023389.jpg)",
    known=_CLONED.known,
)

"""The images of a gallery that are most similar to a query, by cosine.

A query is a feature: of an image, or of a sentence if the model has a text side.
"""

import csv
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.datasets.market_style import parse_name
from ..errors import UserError
from ..files import whole_file
from .embedder import Embedder
from .features import Features, set_folder
from .index import Index
from .index_files import open_index
from .pictures import Hit, Ranking


def search(
    queries: Features, gallery: Features, num_hits: int, index: str | Index = "exact"
) -> list[Ranking]:
    """Return the nearest images of each query, except the query's own file, from all cameras.

    If both file names hold an identity (0002_c1s1_000451_03.jpg), the hit says whether it is the
    same. An approximate index may find fewer images than were asked for.

    Args:
        queries: features of images.
        gallery: features of the images to search.
        num_hits: how many to find for each query.
        index: one of INDEXES, or what ``open_index`` returned for this gallery.

    Raises:
        UserError: queries and gallery were embedded by different models, or no such index.
    """
    if queries.model != gallery.model:
        raise UserError(
            "queries and gallery were embedded by different models "
            f"({queries.model}, {gallery.model}); embed both with the same one"
        )
    found = _find_others(_index_of(gallery, index), queries, gallery, num_hits)
    rankings = []
    for query, row in zip(queries.files(), found, strict=True):
        images = [(cosine, gallery.image(place)) for cosine, place in row]
        hits = [
            Hit(file=image, score=cosine, same_person=same_person(query, image))
            for cosine, image in images
        ]
        rankings.append(Ranking(query=query, title=query.name, hits=hits))
    return rankings


def search_texts(
    embedder: Embedder,
    texts: Sequence[str],
    gallery: Features,
    num_hits: int,
    index: str | Index = "exact",
) -> list[Ranking]:
    """Return the images of the gallery that fit each sentence best.

    Args:
        embedder: the model of the gallery.
        texts: the sentences.
        gallery: features of the images to search.
        num_hits: how many to find for each sentence.
        index: as for ``search``.

    Raises:
        UserError: the gallery was embedded by another model, this one has no text side, or no
            such index.
    """
    if gallery.model != embedder.digest:
        raise UserError(f"the gallery was embedded by another model ({gallery.model})")
    found = _index_of(gallery, index).nearest(embedder.embed_texts(texts), num_hits)
    rankings = []
    for text, *row in zip(texts, *found, strict=True):
        hits = [
            Hit(file=gallery.image(place), score=cosine, same_person=None)
            for cosine, place in _valid(*row)
        ]
        rankings.append(Ranking(query=text, title=text, hits=hits))
    return rankings


def _index_of(gallery: Features, index: str | Index) -> Index:
    if isinstance(index, str):
        return open_index(gallery, index)
    if index.gallery is not gallery.features:
        raise UserError("the index is of another gallery; open it with open_index(gallery, kind)")
    return index


def _find_others(
    index: Index, queries: Features, gallery: Features, num_hits: int
) -> list[list[tuple[float, int]]]:
    """Return cosines and places of each query's hits, its own file left out."""
    file = functools.cache(lambda place: gallery.image(place).resolve())  # asks the disk
    own = [query.resolve() for query in queries.files()]
    spare = 1  # hits more than are wanted: the own file may be among them, even several times
    while True:
        found = index.nearest(queries.features, num_hits + spare)
        hits = [_valid(*row) for row in zip(*found, strict=True)]
        others = [
            [hit for hit in row if file(hit[1]) != itself]
            for row, itself in zip(hits, own, strict=True)
        ]
        lost = max((len(a) - len(b) for a, b in zip(hits, others, strict=True)), default=0)
        if lost <= spare or num_hits + spare >= len(gallery.paths):
            return [row[:num_hits] for row in others]
        spare *= 2


def _valid(cosines: np.ndarray, places: np.ndarray) -> list[tuple[float, int]]:
    """Return the hits of one query; an approximate index fills the row up with places of -1."""
    return [(float(c), int(place)) for c, place in zip(cosines, places, strict=True) if place >= 0]


def same_person(query: Path, hit: Path) -> bool | None:
    """Whether both file names hold the same identity; None if unknown, or of different sets."""
    names = parse_name(query.name), parse_name(hit.name)
    if names[0] is None or names[1] is None:
        return None
    query_pid, hit_pid = names[0][0], names[1][0]
    if min(query_pid, hit_pid) <= 0:  # 0 and -1: distractors and junk
        return None
    if set_folder(query.resolve()) != set_folder(hit.resolve()):
        return None  # pids are only unique within a data set
    return query_pid == hit_pid


def write_rankings(path: Path, rankings: list[Ranking], score: str, **extra: list[float]) -> None:
    """Write a CSV with one line per hit.

    Args:
        path: of the file.
        rankings: what is written.
        score: the name of the hits' scores.
        extra: further columns, with one value per ranking.
    """
    header = ["query", *extra, "rank", "path", score, "same_person"]
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(header)
        for ranking, *values in zip(rankings, *extra.values(), strict=True):
            for rank, hit in enumerate(ranking.hits, start=1):
                same = "" if hit.same_person is None else int(hit.same_person)
                table.writerow([ranking.query, *values, rank, hit.file, hit.score, same])

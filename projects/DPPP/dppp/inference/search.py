"""The images of a gallery that are most similar to a query, by cosine, with FAISS.

A query is a feature: of an image, or of a sentence where the model has a text side.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.datasets.market_style import parse_name
from ..errors import UserError
from ..files import whole_file
from .embedder import Embedder
from .features import Features, set_folder
from .pictures import Hit, Ranking


def nearest(
    queries: np.ndarray, gallery: np.ndarray, num_hits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cosine similarities, falling, and indices (Q, min(num_hits, G)) of the nearest.

    Args:
        queries, gallery: features (Q, d1) and (G, d1), float32 or float16, of length 1.
    """
    import faiss

    gallery = _unit(gallery)
    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(gallery)
    return index.search(_unit(queries), min(num_hits, len(gallery)))


def _unit(features: np.ndarray) -> np.ndarray:
    """float32, of length 1: float16 has rounded it."""
    features = np.ascontiguousarray(features, dtype=np.float32)
    return features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)


def search(queries: Features, gallery: Features, num_hits: int) -> list[Ranking]:
    """The nearest images of each query, but the query's own file; no camera is left out.

    Where the names of both images tell (0002_c1s1_000451_03.jpg), a hit is known to show the same
    person or another.
    """
    if queries.model != gallery.model:
        raise UserError(
            f"queries and gallery were embedded by two models ({queries.model}, {gallery.model})"
        )
    files = gallery.files()
    own: dict[Path, set[int]] = {}
    for index, file in enumerate(files):
        own.setdefault(file.resolve(), set()).add(index)
    repeats = max(map(len, own.values()))  # how often one file may be in the gallery
    cosines, indices = nearest(queries.features, gallery.features, num_hits + repeats)
    rankings = []
    for query, row, order in zip(queries.files(), cosines, indices, strict=True):
        itself = own.get(query.resolve(), ())
        others = [(c, files[i]) for c, i in zip(row, order, strict=True) if i not in itself]
        hits = [
            Hit(file=file, score=float(c), same_person=same_person(query, file))
            for c, file in others[:num_hits]
        ]
        rankings.append(Ranking(query=query, title=query.name, hits=hits))
    return rankings


def search_texts(
    embedder: Embedder, texts: Sequence[str], gallery: Features, num_hits: int
) -> list[Ranking]:
    """The images of the gallery that fit each sentence best.

    Raises:
        UserError: the gallery was embedded by another model, or this one has no text side.
    """
    if gallery.model != embedder.digest:
        raise UserError(f"the gallery was embedded by another model ({gallery.model})")
    files = gallery.files()
    cosines, indices = nearest(embedder.embed_texts(texts), gallery.features, num_hits)
    rankings = []
    for text, row, order in zip(texts, cosines, indices, strict=True):
        hits = [
            Hit(file=files[i], score=float(c), same_person=None)
            for c, i in zip(row, order, strict=True)
        ]
        rankings.append(Ranking(query=text, title=text, hits=hits))
    return rankings


def same_person(query: Path, hit: Path) -> bool | None:
    """Whether the names tell the same identity; None where one does not, or the sets differ."""
    one, other = parse_name(query.name), parse_name(hit.name)
    if one is None or other is None or min(one[0], other[0]) <= 0:  # 0 and -1: nobody we know
        return None
    if set_folder(query.resolve()) != set_folder(hit.resolve()):
        return None  # 0002 of one set is not 0002 of another
    return one[0] == other[0]


def write_rankings(path: Path, rankings: list[Ranking], score: str, **extra: list[float]) -> None:
    """A CSV with a line for each hit.

    Args:
        score: what the hits' scores are called.
        extra: more columns, a value for each ranking.
    """
    header = ["query", *extra, "rank", "path", score, "same_person"]
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(header)
        for ranking, *values in zip(rankings, *extra.values(), strict=True):
            for rank, hit in enumerate(ranking.hits, start=1):
                same = "" if hit.same_person is None else int(hit.same_person)
                table.writerow([ranking.query, *values, rank, hit.file, hit.score, same])

"""The images of a gallery that are most similar to a query, by cosine, with FAISS.

A query is a feature: of an image, or of a sentence if the model has a text side.
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
    """Find the most similar gallery features of each query.

    Args:
        queries: features (Q, d1), float32 or float16, of length 1.
        gallery: features (G, d1) of the same kind.
        num_hits: how many to find.

    Returns:
        Cosine similarities, descending, and indices, both (Q, min(num_hits, G)).
    """
    import faiss

    gallery = _unit(gallery)
    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(gallery)
    return index.search(_unit(queries), min(num_hits, len(gallery)))


def _unit(features: np.ndarray) -> np.ndarray:
    """Return float32 features of length 1, which float16 rounds."""
    features = np.ascontiguousarray(features, dtype=np.float32)
    return features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)


def search(queries: Features, gallery: Features, num_hits: int) -> list[Ranking]:
    """Return the nearest images of each query, except the query's own file, from all cameras.

    If both file names hold an identity (0002_c1s1_000451_03.jpg), the hit says whether it is the
    same.

    Raises:
        UserError: queries and gallery were embedded by different models.
    """
    if queries.model != gallery.model:
        raise UserError(
            "queries and gallery were embedded by different models "
            f"({queries.model}, {gallery.model}); embed both with the same one"
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
    """Return the images of the gallery that fit each sentence best.

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

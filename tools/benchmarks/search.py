"""Search in a gallery by each index of dppp-search, beside comparing all of it.

Features are made up: identities of 20 images, each a direction with noise around it, and queries
of the same identities. Rates are of all queries together, on the threads that FAISS takes
(OMP_NUM_THREADS). An index is built once.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import faiss
import numpy as np

from benchmarks.measuring import Comparison, Way, compare
from benchmarks.options import APPROXIMATE
from dppp.errors import UserError
from dppp.inference.index import RECALL_AT, ApproximateIndex, build_index, recall
from dppp.inference.nearest import blocks, nearest

IMAGES_OF_IDENTITY = 20
# Identities differ in fewer directions than a feature has, as in embeddings of a trained model.
IDENTITY_DIMENSIONS = 64
NOISE = 1.0  # length of the noise, of directions of length 1: cosines of about 0.5


def run(args: argparse.Namespace) -> list[Comparison]:
    """Build each index, and search with all of them in turn."""
    if args.gallery < RECALL_AT:
        raise UserError(f"--gallery must be {RECALL_AT} or more")
    gallery, queries = make_features(args.gallery, args.queries, args.dim)
    exact, _ = nearest(queries, gallery, RECALL_AT)
    ways = [Way(name="exact", run=partial(nearest, queries, gallery, RECALL_AT))]
    notes = [f"exact: {gallery.nbytes / args.gallery:,.0f} bytes a feature, the gallery's own."]
    for kind in [args.only] if args.only else APPROXIMATE:
        index = ApproximateIndex(gallery, *build_index(kind, gallery), kind)
        found, _ = index.nearest(queries, RECALL_AT)
        ways.append(Way(name=kind, run=partial(index.nearest, queries, RECALL_AT)))
        notes.append(
            f"{kind}: recall@{RECALL_AT} {recall(list(exact), list(found)):.3f}, built in "
            f"{index.facts.build_sec:.1f} s, {size_of(index) / args.gallery:,.0f} bytes a feature "
            "besides the gallery."
        )
    table = compare(
        ways,
        title=f"Search, {args.queries} queries, {args.gallery:,} features of {args.dim} numbers",
        unit="queries",
        work=args.queries,
        rounds=args.rounds,
    )
    table.notes = notes
    return [table]


def size_of(index: ApproximateIndex) -> int:
    """Return the bytes of an index, which are about the same in memory as in a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "index")
        faiss.write_index(index.index, str(file))
        return file.stat().st_size


def make_features(gallery: int, queries: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (gallery, dim) and (queries, dim), float32, of length 1."""
    random = np.random.default_rng(0)
    number = -(-gallery // IMAGES_OF_IDENTITY)
    latent = random.standard_normal((number, IDENTITY_DIMENSIONS), dtype=np.float32)
    directions = latent @ random.standard_normal((IDENTITY_DIMENSIONS, dim), dtype=np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    def draw(count: int) -> np.ndarray:
        features = random.standard_normal((count, dim), dtype=np.float32)
        features *= NOISE / np.sqrt(dim, dtype=np.float32)
        for start in range(0, count, number):  # identity by identity, without a copy of them all
            features[start : start + number] += directions[: count - start]
        for start, block in blocks(features):
            features[start : start + len(block)] = block
        return features

    return draw(gallery), draw(queries)

"""Which images of a held-out identity become queries; the others are its gallery."""

from __future__ import annotations

from collections.abc import Iterable


def choose_queries(cameras: list[int], order: Iterable[int]) -> set[int]:
    """Choose an identity's query images: one per camera, as long as every query stays answerable.

    A query is answerable if an image of the same identity from another camera is left in the
    gallery; evaluation ignores gallery images of the query's own camera.

    Args:
        cameras: camera of each image of the identity.
        order: all positions in `cameras`, in the order in which they are tried.

    Returns:
        Positions of the queries; the others are gallery images.
    """
    queries: set[int] = set()
    for candidate in order:
        if cameras[candidate] in {cameras[query] for query in queries}:
            continue
        chosen = queries | {candidate}
        gallery = {camera for image, camera in enumerate(cameras) if image not in chosen}
        if all(gallery - {cameras[query]} for query in chosen):
            queries = chosen
    return queries

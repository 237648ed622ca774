"""Every query stays answerable, whatever the cameras."""

from itertools import permutations, product

import pytest

from geneperson.pipeline.queries import choose_queries


def test_queries_are_one_per_camera_and_always_answerable() -> None:
    for cameras in product((1, 2, 3), repeat=4):
        for order in permutations(range(4)):
            queries = choose_queries(list(cameras), order)
            seen = [cameras[query] for query in queries]
            gallery = {cameras[image] for image in range(4) if image not in queries}
            assert len(seen) == len(set(seen))
            assert all(gallery - {camera} for camera in seen)
            if len(set(cameras)) > 1:
                assert queries


@pytest.mark.parametrize(
    ("cameras", "queries"),
    [
        ([1, 1, 2, 2, 3, 3], {0, 2, 4}),
        ([1, 2], {0}),  # the second image is needed to answer the first
        ([1, 2, 3], {0, 1}),
        ([4, 4], set()),
        ([], set()),
    ],
)
def test_chosen_queries(cameras: list[int], queries: set[int]) -> None:
    assert choose_queries(cameras, range(len(cameras))) == queries

"""Ranking scores against FastReID's own, and chance against simulation."""

import tracemalloc

import numpy as np
import pytest
from fastreid.evaluation.rank import evaluate_rank as upstream

from dppp import UserError
from dppp.evaluation import chance_level, evaluate_rank


def _case(
    seed: int, queries: int = 30, gallery: int = 200, people: int = 15, cameras: int = 4
) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    distances = rng.random((queries, gallery)).astype(np.float32)
    pids = rng.integers(0, people, queries), rng.integers(0, people, gallery)
    return distances, *pids, rng.integers(0, cameras, queries), rng.integers(0, cameras, gallery)


def _assert_equal_to_fastreid(*case: np.ndarray, max_rank: int = 50) -> None:
    cmc, precisions, penalties = evaluate_rank(*case, max_rank=max_rank)
    expected = upstream(*case, max_rank=max_rank, use_cython=False)
    assert cmc.dtype == expected[0].dtype
    assert np.array_equal(cmc, expected[0])
    np.testing.assert_allclose(precisions, expected[1], rtol=1e-13)
    np.testing.assert_allclose(penalties, expected[2], rtol=1e-13)


@pytest.mark.parametrize("people", [3, 15, 90], ids=["many matches", "some", "few or none"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_fastreid(people: int, dtype: type) -> None:
    for seed in range(5):
        distances, *labels = _case(seed, people=people)
        _assert_equal_to_fastreid(distances.astype(dtype), *labels)


@pytest.mark.parametrize("decimals", [2, 1, 0])
def test_ties_are_broken_as_in_fastreid(decimals: int) -> None:
    """Some, most, and nearly all distances of a row are the same number."""
    for seed in range(5):
        distances, *labels = _case(seed, gallery=700)
        _assert_equal_to_fastreid(distances.round(decimals), *labels)
        _assert_equal_to_fastreid(np.asfortranarray(distances.round(decimals)), *labels)


def test_all_images_equally_far() -> None:
    distances, *labels = _case(0)
    _assert_equal_to_fastreid(np.zeros_like(distances), *labels)


def test_ties_with_junk_do_not_count() -> None:
    """Junk, match and wrong image: a tie of the first two leaves the match first."""
    labels = np.array([7]), np.array([7, 7, 1]), np.array([0]), np.array([0, 1, 0])
    _, precision, _ = evaluate_rank(np.array([[0.2, 0.2, 0.3]]), *labels)
    assert precision.tolist() == [1]


def test_queries_without_a_match_are_left_out_as_in_fastreid() -> None:
    distances, q, g, qc, gc = _case(0)
    q[:5] = 99  # in no camera
    qc[5:10], gc[np.isin(g, q[5:10])] = 2, 2  # in their own camera only
    _assert_equal_to_fastreid(distances, q, g, qc, gc, max_rank=20)
    assert len(evaluate_rank(distances, q, g, qc, gc)[1]) < 21


def test_one_camera_is_refused() -> None:
    distances, q, g, qc, gc = _case(0)
    with pytest.raises(UserError, match="two cameras"):
        evaluate_rank(distances, q, g, qc * 0, gc * 0)
    with pytest.raises(AssertionError):
        upstream(distances, q, g, qc * 0, gc * 0)


def test_by_hand() -> None:
    """Gallery order: junk, wrong, match, match -> ranks 2 and 3 of three images."""
    distances = np.array([[0.1, 0.2, 0.3, 0.4]])
    labels = np.array([7]), np.array([7, 1, 7, 7]), np.array([0]), np.array([0, 0, 1, 2])
    cmc, precision, penalty = evaluate_rank(distances, *labels, max_rank=3)
    assert cmc.tolist() == [0, 1, 1]
    assert precision.tolist() == pytest.approx([(1 / 2 + 2 / 3) / 2])
    assert penalty.tolist() == pytest.approx([2 / 3])


def test_small_galleries_have_a_short_curve() -> None:
    """Three images for one query, four for the other: FastReID raises a ValueError."""
    distances = np.array([[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.4, 0.3]])
    labels = np.array([7, 1]), np.array([7, 1, 7, 1]), np.array([0, 5]), np.array([0, 3, 1, 2])
    with pytest.raises(ValueError):
        upstream(distances, *labels, use_cython=False)
    assert evaluate_rank(distances, *labels)[0].tolist() == [0, 1, 1, 1]


def test_labels_of_another_matrix_are_refused() -> None:
    distances, q, g, qc, gc = _case(0)
    with pytest.raises(UserError, match=r"\(30, 200\).*\(30, 29\)"):
        evaluate_rank(distances, q, g, qc[1:], gc)
    with pytest.raises(UserError, match="must agree"):
        evaluate_rank(distances.T, q, g, qc, gc)


def test_memory_is_a_few_rows() -> None:
    case = _case(0, queries=200, gallery=20_000)
    tracemalloc.start()
    evaluate_rank(*case)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < case[0].nbytes / 10


def test_chance_is_the_mean_of_random_rankings() -> None:
    _, *labels = _case(3, queries=20, gallery=60)
    rng = np.random.default_rng(1)
    runs = [evaluate_rank(rng.random((20, 60)), *labels) for _ in range(400)]
    expected = chance_level(*labels)
    assert expected["Rank-1"] == pytest.approx(100 * np.mean([c[0] for c, _, _ in runs]), abs=0.7)
    assert expected["Rank-5"] == pytest.approx(100 * np.mean([c[4] for c, _, _ in runs]), abs=0.7)
    assert expected["mAP"] == pytest.approx(100 * np.mean([p.mean() for _, p, _ in runs]), abs=0.5)

"""Ranking scores against FastReID's own, and chance against simulation."""

import numpy as np
import pytest
from fastreid.evaluation.rank import evaluate_rank as upstream

from dppp import UserError
from dppp.evaluation import chance_level, evaluate_rank


def _case(seed: int, ties: bool = False, queries: int = 30, gallery: int = 200):
    rng = np.random.default_rng(seed)
    distances = rng.random((queries, gallery)).astype(np.float32)
    if ties:
        distances = np.round(distances, 1)
    people = rng.integers(0, 12, queries), rng.integers(0, 15, gallery)
    return distances, *people, rng.integers(0, 4, queries), rng.integers(0, 4, gallery)


@pytest.mark.parametrize("ties", [False, True])
def test_equals_fastreid(ties):
    for seed in range(5):
        case = _case(seed, ties)
        ours, theirs = evaluate_rank(*case), upstream(*case, use_cython=False)
        for mine, other in zip(ours, theirs, strict=True):
            assert np.allclose(mine, other, atol=1e-6)


def test_queries_without_a_match_are_left_out_as_in_fastreid():
    distances, q, g, qc, gc = _case(0)
    q[:5] = 99
    assert len(evaluate_rank(distances, q, g, qc, gc)[1]) == 25
    assert np.allclose(
        evaluate_rank(distances, q, g, qc, gc)[0], upstream(distances, q, g, qc, gc)[0]
    )


def test_by_hand():
    """Gallery order: junk, wrong, match, match -> ranks 2 and 3 of three images."""
    distances = np.array([[0.1, 0.2, 0.3, 0.4]])
    labels = np.array([7]), np.array([7, 1, 7, 7]), np.array([0]), np.array([0, 0, 1, 2])
    cmc, precision, penalty = evaluate_rank(distances, *labels, max_rank=3)
    assert cmc.tolist() == [0, 1, 1]
    assert precision.tolist() == pytest.approx([(1 / 2 + 2 / 3) / 2])
    assert penalty.tolist() == pytest.approx([2 / 3])


def test_one_camera_is_refused():
    distances, q, g, qc, gc = _case(0)
    with pytest.raises(UserError, match="two cameras"):
        evaluate_rank(distances, q, g, qc * 0, gc * 0)


def test_chance_is_the_mean_of_random_rankings():
    _, *labels = _case(3, queries=20, gallery=60)
    rng = np.random.default_rng(1)
    runs = [evaluate_rank(rng.random((20, 60)), *labels) for _ in range(400)]
    expected = chance_level(*labels)
    assert expected["Rank-1"] == pytest.approx(100 * np.mean([c[0] for c, _, _ in runs]), abs=0.7)
    assert expected["Rank-5"] == pytest.approx(100 * np.mean([c[4] for c, _, _ in runs]), abs=0.7)
    assert expected["mAP"] == pytest.approx(100 * np.mean([p.mean() for _, p, _ in runs]), abs=0.5)

"""Distances and post-processing of the evaluator against FastReID's own functions."""

import pytest
import torch
from fastreid.evaluation.query_expansion import aqe
from fastreid.evaluation.rerank import re_ranking
from fastreid.utils.compute_dist import compute_cosine_distance

from dppp.evaluation import RankingEvaluator


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 8, generator=generator), torch.randn(40, 8, generator=generator)


def evaluate(cfg, query, gallery):
    evaluator = RankingEvaluator(cfg, len(query))
    pids = torch.arange(5), torch.arange(40) % 5
    batch = {"targets": torch.cat(pids), "camids": torch.tensor([0] * 5 + [1] * 40)}
    evaluator.process(batch, torch.cat([query, gallery]))
    return evaluator, evaluator.evaluate()


def test_cosine_and_euclidean(quickstart, features):
    query, gallery = features
    cosine = RankingEvaluator(quickstart(), 5)._distances(query, gallery)
    assert torch.allclose(
        torch.from_numpy(cosine),
        torch.from_numpy(compute_cosine_distance(query, gallery)),
        atol=1e-5,
    )
    squared = RankingEvaluator(quickstart("TEST.METRIC", "euclidean"), 5)._distances(query, gallery)
    assert squared[2, 7] == pytest.approx(float((query[2] - gallery[7]).square().sum()), rel=1e-4)


def test_query_expansion(quickstart, features):
    cfg = quickstart("TEST.AQE.ENABLED", True)
    expanded = aqe(*features, cfg.TEST.AQE.QE_TIME, cfg.TEST.AQE.QE_K, cfg.TEST.AQE.ALPHA)
    ours = RankingEvaluator(cfg, 5)._distances(*features)
    assert torch.allclose(
        torch.from_numpy(ours), torch.from_numpy(compute_cosine_distance(*expanded)), atol=1e-5
    )


def test_reranking_runs_without_cuda(quickstart, features):
    query, gallery = features
    pairs = (query, gallery), (query, query), (gallery, gallery)
    plain = RankingEvaluator(quickstart(), 5)
    expected = re_ranking(*(plain._distances(*pair) for pair in pairs), 20, 6, 0.3)
    ours = RankingEvaluator(quickstart("TEST.RERANK.ENABLED", True), 5)._distances(query, gallery)
    assert ours == pytest.approx(expected)


def test_scores_and_roc(quickstart, features):
    _, scores = evaluate(quickstart("TEST.ROC.ENABLED", True), *features)
    assert list(scores)[:6] == ["Rank-1", "Rank-5", "Rank-10", "mAP", "mINP", "metric"]
    assert all(0 <= scores[f"TPR@FPR={rate}"] <= 1 for rate in ("1e-04", "1e-03", "1e-02"))


def test_a_gallery_of_fewer_than_ten(quickstart, features):
    query, gallery = features
    evaluator = RankingEvaluator(quickstart(), 2)
    batch = {"targets": torch.tensor([0, 1, 0, 1]), "camids": torch.tensor([0, 0, 1, 1])}
    evaluator.process(batch, torch.cat([query[:2], gallery[:2]]))
    assert evaluator.evaluate()["Rank-10"] == 100

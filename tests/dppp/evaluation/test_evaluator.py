"""The evaluator against FastReID's own, under each setting of TEST."""

import logging
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from fastreid.config import CfgNode, get_cfg
from fastreid.evaluation import ReidEvaluator, print_csv_format, reid_evaluation
from fastreid.evaluation.roc import evaluate_roc
from fastreid.utils.compute_dist import build_dist, compute_jaccard_distance
from sklearn.metrics import roc_curve
from torch import Tensor

from dppp import UserError, add_dppp_config
from dppp.evaluation import DistanceRows, RankingEvaluator, evaluate_rank
from dppp.evaluation.roc import true_positive_rates

EUCLIDEAN = "TEST.METRIC", "euclidean"
EXPANSION = "TEST.AQE.ENABLED", True
RERANKING = "TEST.RERANK.ENABLED", True
NFC = "TEST.NFC.ENABLED", True
ROC = "TEST.ROC.ENABLED", True
PEOPLE, QUERIES, GALLERY = 8, 20, 90


class Upstream(ReidEvaluator):
    def _compile_dependencies(self) -> None:
        """Nothing to compile: FastReID's Python ranking is the reference."""


def _config(*opts: object) -> CfgNode:
    cfg = get_cfg()
    add_dppp_config(cfg)
    cfg.merge_from_list(list(opts))
    return cfg


def _batch(seed: int = 0) -> tuple[dict[str, Tensor], Tensor]:
    """Noisy features of 8 people in 3 cameras, as a data loader and a model return them."""
    rng = torch.Generator().manual_seed(seed)
    num_images = QUERIES + GALLERY
    pids = torch.randint(PEOPLE, (num_images,), generator=rng)
    centers = torch.randn(PEOPLE, 16, generator=rng)
    features = centers[pids] + 2 * torch.randn(num_images, 16, generator=rng)
    return {"targets": pids, "camids": torch.randint(3, (num_images,), generator=rng)}, features


def _scores(
    evaluator: ReidEvaluator, batch: dict[str, Tensor], features: Tensor
) -> dict[str, float]:
    """Process the batch in two parts, then evaluate."""
    for part in (slice(0, 70), slice(70, None)):
        evaluator.process({key: value[part] for key, value in batch.items()}, features[part])
    return evaluator.evaluate()


@pytest.fixture
def log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.LogCaptureFixture]:
    """What FastReID's logger prints, and nothing else."""
    logger = logging.getLogger("fastreid")
    monkeypatch.setattr(logger, "propagate", False)
    caplog.set_level(logging.INFO, logger="fastreid")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture
def upstream_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """FastReID calls its re-ranking that needs CUDA; it has another one that does not."""

    def build(
        query: Tensor, gallery: Tensor, metric: str, k1: int | None = None, k2: int | None = None
    ) -> np.ndarray:
        if metric != "jaccard":
            return build_dist(query, gallery, metric)
        distances = compute_jaccard_distance(torch.cat([query, gallery]), k1, k2, search_option=3)
        return distances[: len(query), len(query) :]

    monkeypatch.setattr(reid_evaluation, "build_dist", build)


@pytest.mark.filterwarnings("ignore:This overload of addmm_")
@pytest.mark.parametrize(
    "opts",
    [
        (),
        EUCLIDEAN,
        ROC,
        EXPANSION,
        (*EXPANSION, "TEST.AQE.QE_K", 3, "TEST.AQE.QE_TIME", 2, "TEST.AQE.ALPHA", 1.0),
        RERANKING,
        (*RERANKING, *EUCLIDEAN),
        (*RERANKING, "TEST.RERANK.K1", 10, "TEST.RERANK.K2", 1, "TEST.RERANK.LAMBDA", 0.7),
        (*EXPANSION, *RERANKING, *EUCLIDEAN, *ROC),
    ],
    ids=lambda opts: " ".join(str(opt).removeprefix("TEST.") for opt in opts) or "plain",
)
def test_equals_fastreid(opts: tuple[object, ...], upstream_on_a_cpu: None) -> None:
    cfg = _config(*opts)
    ours = _scores(RankingEvaluator(cfg, QUERIES), *_batch())
    theirs = _scores(Upstream(cfg, QUERIES), *_batch())
    assert ours.pop("valid queries") == QUERIES
    assert dict(ours) == pytest.approx(dict(theirs), rel=1e-6)
    assert 10 < ours["mAP"] < 99  # neither chance nor perfect: a mistake would show


def test_each_setting_changes_the_scores() -> None:
    """Otherwise the comparison above would prove little."""
    settings = (), EUCLIDEAN, EXPANSION, RERANKING, NFC, (*NFC, *RERANKING)
    scores = [_scores(RankingEvaluator(_config(*opts), QUERIES), *_batch()) for opts in settings]
    assert len({score["mAP"] for score in scores}) == len(settings)


@pytest.mark.filterwarnings("ignore:This overload of addmm_")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_distances_by_chunks(metric: str) -> None:
    """Rows of 7 queries at a time are FastReID's matrix, and score as it does."""
    batch, features = _batch()
    query, gallery = features[:QUERIES], features[QUERIES:]
    rows = DistanceRows(query, gallery, metric, chunk_size=7)
    whole = build_dist(query, gallery, metric)
    assert rows.shape == whole.shape
    for _ in range(2):  # rows can be iterated over again
        np.testing.assert_allclose(np.stack(list(rows)), whole, rtol=1e-5, atol=1e-5)
    assert max(len(row.base) for row in rows) == 7  # no larger part is ever computed

    pids, camids = batch["targets"].numpy(), batch["camids"].numpy()
    labels = pids[:QUERIES], pids[QUERIES:], camids[:QUERIES], camids[QUERIES:]
    ours, theirs = evaluate_rank(rows, *labels), evaluate_rank(whole, *labels)
    for mine, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-6)


@pytest.mark.parametrize("decimals", [1, 2, 6])
def test_roc_with_ties(decimals: int) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        distances = rng.random((40, 300)).astype(np.float32)
        labels = [rng.integers(0, high, n) for high in (9, 3) for n in (40, 300)]
        distances[labels[0][:, None] == labels[1]] -= 0.7  # false-positive rates of 1e-3 and less
        distances = distances.round(decimals)
        scores, is_positive = evaluate_roc(distances, *labels, use_cython=False)
        false, true, _ = roc_curve(is_positive, scores)
        expected = [true[np.argmin(np.abs(false - rate))] for rate in (1e-4, 1e-3, 1e-2)]
        assert list(true_positive_rates(distances, *labels).values()) == pytest.approx(expected)


def test_the_papers_scores_come_first(log: pytest.LogCaptureFixture) -> None:
    scores = _scores(RankingEvaluator(_config(*ROC), QUERIES), *_batch())
    scores["dataset"] = "Market1501"
    log.clear()
    print_csv_format(scores)
    table = log.text.splitlines()[1:4]
    header, _, row = ([cell.strip() for cell in line.split("|")] for line in table)
    assert header[1:5] == ["Dataset", "Rank-1", "Rank-5", "mAP"]
    assert row[header.index("valid queries")] == "20"


def test_valid_queries_are_logged(log: pytest.LogCaptureFixture) -> None:
    batch, features = _batch()
    _scores(RankingEvaluator(_config(), QUERIES), batch, features)
    assert "20 of 20 queries have a match" in log.text

    batch["targets"][:4] = PEOPLE
    scores = _scores(RankingEvaluator(_config(), QUERIES), batch, features)
    assert "16 of 20 queries have a match; the others are left out of the scores" in log.text
    assert scores["valid queries"] == 16


def test_a_gallery_of_six() -> None:
    batch, features = _batch()
    batch = {"targets": torch.arange(8) % 2, "camids": torch.tensor([0, 0, 1, 1, 1, 2, 2, 2])}
    evaluator = RankingEvaluator(_config(*ROC), 2)
    evaluator.process(batch, features[:8])
    assert evaluator.evaluate()["Rank-10"] == 100


@pytest.mark.parametrize("opts", [EXPANSION, RERANKING, NFC])
def test_more_neighbors_than_images(opts: tuple[str, bool]) -> None:
    key = opts[0].replace("ENABLED", "QE_K" if opts == EXPANSION else "K1")
    batch, features = _batch()
    with pytest.raises(UserError, match=f"{key} is 111; with 110 images"):
        _scores(RankingEvaluator(_config(*opts, key, 111), QUERIES), batch, features)


def test_what_is_done_before_ranking_is_logged(log: pytest.LogCaptureFixture) -> None:
    _scores(RankingEvaluator(_config(*EXPANSION, *RERANKING), QUERIES), *_batch())
    assert "query expansion (k 5, times 1, alpha 3.0) of 110 images" in log.text
    assert "re-ranking (k1 20, k2 6, lambda 0.3) of 110 images" in log.text


def test_unknown_metric() -> None:
    with pytest.raises(UserError, match=r"TEST\.METRIC is 'jaccard'; allowed: cosine, euclidean"):
        RankingEvaluator(_config("TEST.METRIC", "jaccard"), QUERIES)


def test_features_of_a_diverged_model() -> None:
    batch, features = _batch()
    features[3, 0], features[5, 1] = torch.nan, torch.inf
    with pytest.raises(UserError, match="2 of 110 images"):
        _scores(RankingEvaluator(_config(), QUERIES), batch, features)

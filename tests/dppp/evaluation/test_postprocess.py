"""Query expansion and re-ranking against FastReID's, which need all pairs, and their settings."""

import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fastreid.config import CfgNode, get_cfg
from fastreid.evaluation.query_expansion import aqe
from fastreid.utils.compute_dist import compute_jaccard_distance
from torch import Tensor

from dppp import UserError
from dppp.evaluation import DistanceRows, check_num_images, check_test_settings
from dppp.evaluation.expansion import expand
from dppp.evaluation.postprocess import describe_postprocess
from dppp.evaluation.reranking import RerankedRows

QUERIES, GALLERY = 40, 260
WITH_BOTH = ("TEST.AQE.ENABLED", True, "TEST.RERANK.ENABLED", True)


def config(*opts: object) -> CfgNode:
    cfg = get_cfg()
    cfg.merge_from_list(list(opts))
    return cfg.TEST


def features(
    num_queries: int = QUERIES, num_gallery: int = GALLERY, people: int = 20
) -> tuple[Tensor, Tensor]:
    """Noisy features (Q, 64) and (G, 64); there are more equal images than neighbours."""
    rng = torch.Generator().manual_seed(0)
    num_images = num_queries + num_gallery
    centres = torch.randn(people, 64, generator=rng)
    noise = torch.randn(num_images, 64, generator=rng)
    made = (centres[torch.randint(people, (num_images,), generator=rng)] + 1.5 * noise) / 8
    made[-30:] = made[0]
    return made[:num_queries], made[num_queries:]


def fastreid_reranking(
    query: Tensor, gallery: tuple[str, ...], metric: str, k1: int, k2: int, plain_weight: float
) -> np.ndarray:
    plain = np.stack(list(DistanceRows(query, gallery, metric)))
    both = torch.cat([query, gallery])
    both = F.normalize(both, dim=1) if metric == "cosine" else both
    jaccard = compute_jaccard_distance(both, k1, k2, search_option=3)  # FAISS on a CPU
    return jaccard[: len(query), len(query) :] * (1 - plain_weight) + plain * plain_weight


@pytest.mark.filterwarnings("ignore:This overload of addmm_")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize(
    ("k1", "k2", "plain_weight"),
    [(20, 6, 0.3), (10, 1, 0.7), (7, 9, 0.0), (30, 6, 0.3), (1, 1, 0.0), (20, 6, 1.0)],
)
def test_reranking_equals_fastreids(
    metric: str, k1: int, k2: int, plain_weight: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dppp.evaluation.reranking._CHUNK_SIZE", 64)
    query, gallery = features()
    expected = fastreid_reranking(query, gallery, metric, k1, k2, plain_weight)
    rows = RerankedRows(query, gallery, metric, k1=k1, k2=k2, plain_weight=plain_weight)
    assert rows.shape == (QUERIES, GALLERY)
    for _ in range(2):  # rows can be iterated over again
        distances = np.stack(list(rows))
        assert distances.dtype == np.float32
        np.testing.assert_allclose(distances, expected, atol=1e-5)


def test_reranking_by_hand() -> None:
    """Points 0, 1 and 10, 11 on a line; k1 = k2 = 2: two pairs, each one's own neighbourhood."""
    points = torch.tensor([[0.0], [10.0], [1.0], [11.0]])
    rows = RerankedRows(points[:2], points[2:], "euclidean", k1=2, k2=2, plain_weight=0.25)
    expected = [[0.25 * 1, 0.75 + 0.25 * 121], [0.75 + 0.25 * 81, 0.25 * 1]]
    np.testing.assert_allclose(np.stack(list(rows)), expected, rtol=1e-5)


@pytest.mark.parametrize(("k", "times", "alpha"), [(10, 1, 3.0), (3, 2, 1.0), (300, 1, 0.0)])
def test_expansion_equals_fastreids(
    k: int, times: int, alpha: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dppp.evaluation.expansion._CHUNK_SIZE", 64)
    query, gallery = features()
    given = query.clone(), gallery.clone()
    expanded = expand(query, gallery, k=k, times=times, alpha=alpha)
    if k < QUERIES + GALLERY:
        expected = aqe(query, gallery, times, k, alpha)
    else:  # FastReID's cannot take all; they are weighed alike here
        mean = torch.cat(given).mean(0)
        expected = [mean.expand_as(part) for part in given]
    for ours, theirs in zip(expanded, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    assert torch.equal(query, given[0]) and torch.equal(gallery, given[1])


def test_no_matrix_of_all_pairs_is_in_memory() -> None:
    """Neither of all images with one another, 44 MB, nor of queries with gallery images, 4 MB."""
    query, gallery = features(300, 3000, people=200)
    tracemalloc.start()
    rows = RerankedRows(query, gallery, "cosine", k1=10, k2=3, plain_weight=0.3)
    made = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    for _ in rows:
        pass
    iterated = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert made < 3300**2  # bytes: a quarter of a matrix
    assert iterated < 300 * 3000


def test_description() -> None:
    assert describe_postprocess(config()) == []
    assert describe_postprocess(config(*WITH_BOTH, "TEST.RERANK.K1", 25)) == [
        "query expansion (k 5, times 1, alpha 3.0)",
        "re-ranking (k1 25, k2 6, lambda 0.3)",
    ]


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (("TEST.METRIC", "jaccard"), "TEST.METRIC is 'jaccard'; allowed: cosine, euclidean"),
        (("TEST.RERANK.K1", 0), r"TEST\.RERANK\.K1 is 0; it must be 1 or more$"),
        (("TEST.RERANK.K2", 0), "TEST.RERANK.K2 is 0"),
        (("TEST.RERANK.LAMBDA", 3.0), r"LAMBDA is 3\.0; it must be from 0 to 1"),
        (("TEST.AQE.QE_K", 0, "TEST.AQE.QE_TIME", -1), "QE_K is 0.*; TEST.AQE.QE_TIME is -1"),
    ],
)
def test_settings_that_cannot_be_used(opts: tuple[object, ...], says: str) -> None:
    with pytest.raises(UserError, match=says):
        check_test_settings(config(*WITH_BOTH, *opts))
    if "METRIC" not in opts[0]:
        check_test_settings(config(*opts))  # not enabled: not used


def test_as_many_neighbours_as_images() -> None:
    for key in ("RERANK.K1", "AQE.QE_K"):
        settings = config(*WITH_BOTH, f"TEST.{key}", 30)
        check_num_images(settings, 30)
        with pytest.raises(UserError, match=rf"TEST\.{key} is 30; with 29 images, use fewer"):
            check_num_images(settings, 29)
    check_num_images(config("TEST.RERANK.K1", 30), 2)

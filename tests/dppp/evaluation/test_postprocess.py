"""What is done before ranking, against plain versions that need all pairs, and its settings."""

import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fastreid.config import CfgNode, get_cfg
from fastreid.evaluation.query_expansion import aqe
from fastreid.utils.compute_dist import compute_jaccard_distance
from torch import Tensor

from dppp import UserError, add_dppp_config
from dppp.evaluation import DistanceRows, check_num_images, check_test_settings
from dppp.evaluation.centralization import centralize
from dppp.evaluation.expansion import expand
from dppp.evaluation.postprocess import describe_postprocess, distance_rows
from dppp.evaluation.reranking import RerankedRows

QUERIES, GALLERY = 40, 260
WITH_BOTH = ("TEST.AQE.ENABLED", True, "TEST.RERANK.ENABLED", True)
NFC = "TEST.NFC.ENABLED", True


def config(*opts: object) -> CfgNode:
    cfg = get_cfg()
    add_dppp_config(cfg)
    cfg.merge_from_list(list(opts))
    return cfg.TEST


def features(
    num_queries: int = QUERIES, num_gallery: int = GALLERY, people: int = 20
) -> tuple[Tensor, Tensor]:
    """Noisy features (Q, 64) and (G, 64); there are more equal images than neighbors."""
    rng = torch.Generator().manual_seed(0)
    num_images = num_queries + num_gallery
    centers = torch.randn(people, 64, generator=rng)
    noise = torch.randn(num_images, 64, generator=rng)
    made = (centers[torch.randint(people, (num_images,), generator=rng)] + 1.5 * noise) / 8
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
    """Points 0, 1 and 10, 11 on a line; k1 = k2 = 2: two pairs, each one's own neighborhood."""
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


def plain_centralization(features: np.ndarray, k1: int, k2: int) -> np.ndarray:
    """The rule in words: add each mutual nearest neighbor's feature, then normalize."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    order = [
        [j for j in np.argsort(-unit @ image, kind="stable") if j != i]
        for i, image in enumerate(unit)
    ]
    sums = [
        unit[i] + sum(unit[j] for j in order[i][:k1] if i in order[j][:k2])
        for i in range(len(unit))
    ]
    return np.stack([one / np.linalg.norm(one) for one in sums])


@pytest.mark.parametrize(("k1", "k2"), [(2, 2), (1, 5), (6, 3), (109, 109)])
def test_centralization_is_the_plain_rule(
    k1: int, k2: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dppp.evaluation.centralization._CHUNK_SIZE", 64)
    features = torch.randn(110, 16, generator=torch.Generator().manual_seed(0))
    given = features.clone()
    parts = centralize(features[:30], features[30:], k1=k1, k2=k2)
    assert [len(part) for part in parts] == [30, 80]
    np.testing.assert_allclose(
        torch.cat(parts), plain_centralization(features.double().numpy(), k1, k2), atol=1e-5
    )
    assert torch.equal(features, given)


def test_centralization_by_hand() -> None:
    """Directions of 0, 10, 30 and 90 degrees; k1 = k2 = 1: only the first two are mutual."""
    angles = torch.deg2rad(torch.tensor([0.0, 10.0, 30.0, 90.0]))
    points = torch.stack([angles.cos(), angles.sin()], dim=1) * torch.tensor([[1.0], [5], [2], [3]])
    query, gallery = centralize(points[:1], points[1:], k1=1, k2=1)
    moved = torch.cat([query, gallery])
    degrees = torch.rad2deg(torch.atan2(moved[:, 1], moved[:, 0]))
    torch.testing.assert_close(degrees, torch.tensor([5.0, 5.0, 30.0, 90.0]))


def test_reranking_takes_centralized_features() -> None:
    query, gallery = features()
    settings = config(*NFC, "TEST.RERANK.ENABLED", True)
    rows = np.stack(list(distance_rows(query, gallery, settings)))
    moved = centralize(query, gallery, k1=2, k2=2)
    expected = RerankedRows(*moved, settings.METRIC, k1=20, k2=6, plain_weight=0.3)
    np.testing.assert_array_equal(rows, np.stack(list(expected)))


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
    assert describe_postprocess(config(*NFC, "TEST.NFC.K2", 3)) == [
        "neighbor feature centralization (k1 2, k2 3)"
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


def test_centralization_settings() -> None:
    with pytest.raises(UserError, match=r"TEST\.NFC\.K1 is 0; .*; TEST\.NFC\.K2 is -1"):
        check_test_settings(config(*NFC, "TEST.NFC.K1", 0, "TEST.NFC.K2", -1))
    with pytest.raises(UserError, match=r"TEST\.NFC and TEST\.AQE both add .*; enable one"):
        check_test_settings(config(*NFC, *WITH_BOTH))
    check_test_settings(config(*WITH_BOTH, "TEST.NFC.K1", 0))  # not enabled: not used
    settings = config(*NFC, "TEST.NFC.K2", 30)
    check_num_images(settings, 31)
    with pytest.raises(UserError, match=r"TEST\.NFC\.K2 is 30; with 30 images, use fewer"):
        check_num_images(settings, 30)


def test_as_many_neighbors_as_images() -> None:
    for key in ("RERANK.K1", "AQE.QE_K"):
        settings = config(*WITH_BOTH, f"TEST.{key}", 30)
        check_num_images(settings, 30)
        with pytest.raises(UserError, match=rf"TEST\.{key} is 30; with 29 images, use fewer"):
            check_num_images(settings, 29)
    check_num_images(config("TEST.RERANK.K1", 30), 2)

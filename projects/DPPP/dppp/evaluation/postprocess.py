"""TEST.METRIC, TEST.AQE and TEST.RERANK: checks, a description, and the distances they give."""

from fastreid.config import CfgNode
from torch import Tensor

from ..errors import UserError
from ..log import logger
from .distances import DistanceRows, check_metric
from .expansion import expand


def check_test_settings(test_cfg: CfgNode) -> None:
    """Raise a UserError if a ranking cannot use the values under TEST."""
    rerank, aqe = test_cfg.RERANK, test_cfg.AQE
    check_metric(test_cfg.METRIC)
    counts = [("RERANK.K1", rerank.K1), ("RERANK.K2", rerank.K2)] if rerank.ENABLED else []
    counts += [("AQE.QE_K", aqe.QE_K), ("AQE.QE_TIME", aqe.QE_TIME)] if aqe.ENABLED else []
    problems = [f"TEST.{key} is {n}; it must be 1 or more" for key, n in counts if n < 1]
    if rerank.ENABLED and not 0 <= rerank.LAMBDA <= 1:
        problems.append(f"TEST.RERANK.LAMBDA is {rerank.LAMBDA}; it must be from 0 to 1")
    if problems:
        raise UserError("; ".join(problems))


def check_num_images(test_cfg: CfgNode, num_images: int) -> None:
    """Raise a UserError if there are fewer images than neighbours to look at."""
    for key, enabled, k in (
        ("AQE.QE_K", test_cfg.AQE.ENABLED, test_cfg.AQE.QE_K),
        ("RERANK.K1", test_cfg.RERANK.ENABLED, test_cfg.RERANK.K1),
    ):
        if enabled and k > num_images:
            raise UserError(f"TEST.{key} is {k}; with {num_images} images, use fewer")


def describe_postprocess(test_cfg: CfgNode) -> list[str]:
    """Return the steps applied to features and distances before ranking, in order."""
    aqe, rerank, steps = test_cfg.AQE, test_cfg.RERANK, []
    if aqe.ENABLED:
        steps.append(f"query expansion (k {aqe.QE_K}, times {aqe.QE_TIME}, alpha {aqe.ALPHA})")
    if rerank.ENABLED:
        steps.append(f"re-ranking (k1 {rerank.K1}, k2 {rerank.K2}, lambda {rerank.LAMBDA})")
    return steps


def distance_rows(query: Tensor, gallery: Tensor, test_cfg: CfgNode) -> DistanceRows:
    """Return the distances (Q, G) of features (Q, D) and (G, D) under the settings of TEST.

    Raises:
        UserError: settings that cannot be used, or too few images for them.
    """
    check_test_settings(test_cfg)
    num_images = len(query) + len(gallery)
    check_num_images(test_cfg, num_images)
    for step in describe_postprocess(test_cfg):
        logger.info("%s of %d images", step, num_images)
    aqe, rerank = test_cfg.AQE, test_cfg.RERANK
    if aqe.ENABLED:
        query, gallery = expand(query, gallery, k=aqe.QE_K, times=aqe.QE_TIME, alpha=aqe.ALPHA)
    if rerank.ENABLED:
        from .reranking import RerankedRows  # with SciPy, which nothing else needs

        return RerankedRows(
            query,
            gallery,
            test_cfg.METRIC,
            k1=rerank.K1,
            k2=rerank.K2,
            plain_weight=rerank.LAMBDA,
        )
    return DistanceRows(query, gallery, test_cfg.METRIC)

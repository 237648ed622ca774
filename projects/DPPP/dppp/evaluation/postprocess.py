"""TEST.METRIC, NFC, AQE and RERANK: checks, a description, and the distances they give."""

from fastreid.config import CfgNode
from torch import Tensor

from ..errors import UserError
from ..log import logger
from .centralization import centralize
from .distances import DistanceRows, check_metric
from .expansion import expand


def check_test_settings(test_cfg: CfgNode) -> None:
    """Raise a UserError if a ranking cannot use the values under TEST."""
    rerank, aqe, nfc = test_cfg.RERANK, test_cfg.AQE, test_cfg.NFC
    check_metric(test_cfg.METRIC)
    counts = [("RERANK.K1", rerank.K1), ("RERANK.K2", rerank.K2)] if rerank.ENABLED else []
    counts += [("AQE.QE_K", aqe.QE_K), ("AQE.QE_TIME", aqe.QE_TIME)] if aqe.ENABLED else []
    counts += [("NFC.K1", nfc.K1), ("NFC.K2", nfc.K2)] if nfc.ENABLED else []
    problems = [f"TEST.{key} is {n}; it must be 1 or more" for key, n in counts if n < 1]
    if rerank.ENABLED and not 0 <= rerank.LAMBDA <= 1:
        problems.append(f"TEST.RERANK.LAMBDA is {rerank.LAMBDA}; it must be from 0 to 1")
    if nfc.ENABLED and aqe.ENABLED:
        problems.append(
            "TEST.NFC and TEST.AQE both add neighbors' features to each feature; enable one"
        )
    if problems:
        raise UserError("; ".join(problems))


def check_num_images(test_cfg: CfgNode, num_images: int) -> None:
    """Raise a UserError if there are fewer images than neighbors to look at."""
    rerank, aqe, nfc = test_cfg.RERANK, test_cfg.AQE, test_cfg.NFC
    for key, enabled, k, most in (
        ("AQE.QE_K", aqe.ENABLED, aqe.QE_K, num_images),
        ("RERANK.K1", rerank.ENABLED, rerank.K1, num_images),
        ("NFC.K1", nfc.ENABLED, nfc.K1, num_images - 1),  # without the image itself
        ("NFC.K2", nfc.ENABLED, nfc.K2, num_images - 1),
    ):
        if enabled and k > most:
            raise UserError(f"TEST.{key} is {k}; with {num_images} images, use fewer")


def describe_postprocess(test_cfg: CfgNode) -> list[str]:
    """Return the steps applied to features and distances before ranking, in order."""
    aqe, rerank, nfc, steps = test_cfg.AQE, test_cfg.RERANK, test_cfg.NFC, []
    if nfc.ENABLED:
        steps.append(f"neighbor feature centralization (k1 {nfc.K1}, k2 {nfc.K2})")
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
    aqe, rerank, nfc = test_cfg.AQE, test_cfg.RERANK, test_cfg.NFC
    if nfc.ENABLED:
        query, gallery = centralize(query, gallery, k1=nfc.K1, k2=nfc.K2)
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

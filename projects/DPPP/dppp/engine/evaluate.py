"""Evaluation alone (``--eval-only``)."""

import logging

from fastreid.config import CfgNode
from fastreid.utils import comm

from ..errors import DataNotFoundError, UserError
from .checkpoint import AtomicCheckpointer
from .summary import by_test_set, format_summary, keep_available_tests, summarize
from .trainer import DPPPTrainer

logger = logging.getLogger("fastreid.dppp")


def evaluate(cfg: CfgNode) -> dict[str, dict]:
    """Scores of the weights of MODEL.WEIGHTS on each test set that is there; prints the table.

    Raises:
        UserError: no weights are named, they cannot be read, or no test set is there.
    """
    if not cfg.MODEL.WEIGHTS:
        raise UserError("--eval-only: MODEL.WEIGHTS names no checkpoint; add: MODEL.WEIGHTS FILE")
    cfg, missing = keep_available_tests(cfg)
    if not cfg.DATASETS.TESTS:
        raise DataNotFoundError(f"--eval-only: none of the test sets {missing} is there")
    cfg.defrost()
    cfg.MODEL.BACKBONE.PRETRAIN = False  # the checkpoint brings every weight
    cfg.freeze()
    model = DPPPTrainer.build_model(cfg)
    AtomicCheckpointer(model).load(cfg.MODEL.WEIGHTS)
    results = by_test_set(cfg, DPPPTrainer.test(cfg, model))
    if comm.is_main_process():
        summary = summarize(cfg, {"this model": results}, missing)
        logger.info("%s:\n\n%s\n", cfg.MODEL.WEIGHTS, format_summary(summary))
    return results

"""FastReID's evaluator with a ranking that needs no compiled code, no CUDA and little memory."""

import itertools
from collections import OrderedDict

import numpy as np
import torch
from fastreid.config import CfgNode
from fastreid.evaluation import ReidEvaluator
from fastreid.utils import comm

from ..log import logger
from .finite import require_finite
from .postprocess import check_test_settings, distance_rows
from .ranking import evaluate_rank
from .roc import true_positive_rates


class RankingEvaluator(ReidEvaluator):
    """Reports the paper's scores first; NFC, AQE, re-ranking and ROC settings work on a CPU too."""

    def __init__(self, cfg: CfgNode, num_query: int, output_dir: str | None = None) -> None:
        check_test_settings(cfg.TEST)
        super().__init__(cfg, num_query, output_dir)

    def _compile_dependencies(self) -> None:
        """Do nothing: upstream runs ``make`` here and exits the process if it fails."""

    def evaluate(self) -> OrderedDict:
        """Return the scores in percent on the main process, and an empty result on the others.

        Raises:
            UserError: a feature is not finite, or no query has a match.
        """
        predictions = self._predictions
        if comm.get_world_size() > 1:
            comm.synchronize()
            predictions = list(itertools.chain(*comm.gather(predictions, dst=0)))
            if not comm.is_main_process():
                return OrderedDict()
        features = torch.cat([p["feats"] for p in predictions])
        pids = torch.cat([p["pids"] for p in predictions]).numpy()
        camids = torch.cat([p["camids"] for p in predictions]).numpy()
        require_finite(features)
        n = self._num_query
        labels = pids[:n], pids[n:], camids[:n], camids[n:]

        distances = distance_rows(features[:n], features[n:], self.cfg.TEST)
        scores = _scores(*evaluate_rank(distances, *labels), num_query=n)
        if self.cfg.TEST.ROC.ENABLED:
            scores.update(true_positive_rates(distances, *labels))
        return scores


def _scores(
    cmc: np.ndarray, precisions: np.ndarray, penalties: np.ndarray, num_query: int
) -> OrderedDict:
    """Return FastReID's scores, the paper's first, and the number of queries they average over."""
    valid = len(precisions)
    if valid == num_query:
        logger.info("%d of %d queries have a match", valid, num_query)
    else:
        logger.warning(
            "%d of %d queries have a match; the others are left out of the scores", valid, num_query
        )
    rank = {r: 100 * float(cmc[min(r, len(cmc)) - 1]) for r in (1, 5, 10)}
    precision = 100 * float(np.mean(precisions))
    return OrderedDict(
        [
            ("Rank-1", rank[1]),
            ("Rank-5", rank[5]),
            ("mAP", precision),
            ("Rank-10", rank[10]),
            ("mINP", 100 * float(np.mean(penalties))),
            ("metric", (precision + rank[1]) / 2),
            ("valid queries", valid),
        ]
    )

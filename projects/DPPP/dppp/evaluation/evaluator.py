"""FastReID's evaluator with a ranking that needs no compiling and no CUDA."""

import itertools
import logging
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from fastreid.evaluation import ReidEvaluator
from fastreid.evaluation.query_expansion import aqe
from fastreid.evaluation.rerank import re_ranking
from fastreid.evaluation.roc import evaluate_roc
from fastreid.utils import comm
from sklearn.metrics import roc_curve
from torch import Tensor

from .ranking import evaluate_rank

logger = logging.getLogger(__name__)


class RankingEvaluator(ReidEvaluator):
    """Rank-1, Rank-5, mAP first; FastReID's AQE, re-ranking and ROC settings work on a CPU too."""

    def _compile_dependencies(self) -> None:
        """Upstream runs ``make`` here and leaves the process if it fails."""

    def evaluate(self) -> OrderedDict:
        """Scores in percent, on the main process; an empty result elsewhere."""
        predictions = self._predictions
        if comm.get_world_size() > 1:
            comm.synchronize()
            predictions = list(itertools.chain(*comm.gather(predictions, dst=0)))
            if not comm.is_main_process():
                return OrderedDict()
        features = torch.cat([p["feats"] for p in predictions])
        pids = torch.cat([p["pids"] for p in predictions]).numpy()
        camids = torch.cat([p["camids"] for p in predictions]).numpy()
        n = self._num_query
        labels = pids[:n], pids[n:], camids[:n], camids[n:]

        distances = self._distances(features[:n], features[n:])
        cmc, precisions, penalties = evaluate_rank(distances, *labels)
        if len(precisions) < n:
            logger.info("%d of %d queries have a match and count", len(precisions), n)
        scores = OrderedDict()
        for rank in (1, 5, 10):
            scores[f"Rank-{rank}"] = 100 * float(cmc[min(rank, len(cmc)) - 1])
        scores["mAP"] = 100 * float(np.mean(precisions))
        scores["mINP"] = 100 * float(np.mean(penalties))
        scores["metric"] = (scores["mAP"] + scores["Rank-1"]) / 2
        if self.cfg.TEST.ROC.ENABLED:
            scores.update(_true_positive_rates(distances, *labels))
        return scores

    def _distances(self, query: Tensor, gallery: Tensor) -> np.ndarray:
        test = self.cfg.TEST
        if test.AQE.ENABLED:
            query, gallery = aqe(query, gallery, test.AQE.QE_TIME, test.AQE.QE_K, test.AQE.ALPHA)
        distances = _pairwise(query, gallery, test.METRIC)
        if test.RERANK.ENABLED:
            distances = re_ranking(
                distances,
                _pairwise(query, query, test.METRIC),
                _pairwise(gallery, gallery, test.METRIC),
                test.RERANK.K1,
                test.RERANK.K2,
                test.RERANK.LAMBDA,
            )
        return distances


def _pairwise(left: Tensor, right: Tensor, metric: str) -> np.ndarray:
    """Distances (N, M): 1 - cosine, or squared Euclidean as FastReID's."""
    if metric == "cosine":
        return (1 - F.normalize(left, dim=1) @ F.normalize(right, dim=1).T).numpy()
    return torch.cdist(left, right).square().numpy()


def _true_positive_rates(distances: np.ndarray, *labels: np.ndarray) -> dict[str, float]:
    scores, matches = evaluate_roc(distances, *labels)
    false, true, _ = roc_curve(matches, scores)
    return {
        f"TPR@FPR={rate:.0e}": float(true[np.argmin(np.abs(false - rate))])
        for rate in (1e-4, 1e-3, 1e-2)
    }

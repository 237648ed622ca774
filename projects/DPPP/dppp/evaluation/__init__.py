"""Ranking scores, chance level, and the evaluator that reports them."""

from .chance import chance_level
from .distances import DistanceRows
from .evaluator import RankingEvaluator
from .finite import require_finite
from .postprocess import check_num_images, check_test_settings, describe_postprocess
from .ranking import evaluate_rank, have_match, labels_of

__all__ = [
    "DistanceRows",
    "RankingEvaluator",
    "chance_level",
    "check_num_images",
    "check_test_settings",
    "describe_postprocess",
    "evaluate_rank",
    "have_match",
    "labels_of",
    "require_finite",
]

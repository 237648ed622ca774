"""Ranking scores, chance level, and the evaluator that uses them."""

from .chance import chance_level
from .distances import DistanceRows
from .evaluator import RankingEvaluator
from .ranking import evaluate_rank

__all__ = ["DistanceRows", "RankingEvaluator", "chance_level", "evaluate_rank"]

"""Ranking scores, chance level, and the evaluator that uses them."""

from .chance import chance_level
from .evaluator import RankingEvaluator
from .ranking import evaluate_rank

__all__ = ["RankingEvaluator", "chance_level", "evaluate_rank"]

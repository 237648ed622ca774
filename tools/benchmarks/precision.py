"""Test sets encoded in fp32 and in bf16: images a second, and what bf16 costs in Rank-1 and mAP.

A run reads all images of a set and encodes them, as an evaluation does. Ranking, in fp32 for both,
is not timed.
"""

import argparse
from collections import OrderedDict

from fastreid.config import CfgNode
from fastreid.data.datasets.bases import ImageDataset
from fastreid.evaluation import inference_on_dataset
from torch import nn

from benchmarks.measuring import Comparison, Way, compare
from dppp.config import load_config
from dppp.data import build_test_loader
from dppp.defaults import PRECISIONS
from dppp.engine.testing import open_evaluation
from dppp.evaluation import RankingEvaluator
from dppp.precision import InPrecision

SCORES = ("Rank-1", "mAP")


def run(args: argparse.Namespace) -> list[Comparison]:
    """Encode and score each test set."""
    cfg, model, test_sets = open_evaluation(load_config(args.config_file, args.opts))
    comparisons = []
    for name, dataset in test_sets.available.items():
        evaluations = {
            one: _Evaluation(cfg, model, name, dataset, precision=one) for one in PRECISIONS
        }
        table = compare(
            [Way(name=one, run=evaluation.encode) for one, evaluation in evaluations.items()],
            title=f"Evaluating {name}, {len(dataset.query) + len(dataset.gallery)} images",
            unit="images",
            work=len(dataset.query) + len(dataset.gallery),
            rounds=args.rounds,
            device=str(cfg.MODEL.DEVICE),
        )
        scores = {one: evaluation.score() for one, evaluation in evaluations.items()}
        table.notes = [_compare_scores(key, scores) for key in SCORES]
        comparisons.append(table)
    return comparisons


class _Features(RankingEvaluator):
    """Keeps the features of an extraction, to be ranked when it has been timed."""

    def evaluate(self) -> OrderedDict:
        return OrderedDict()

    def rank(self) -> OrderedDict:
        return super().evaluate()


class _Evaluation:
    """The evaluation of one test set in one precision, in two steps."""

    def __init__(
        self, cfg: CfgNode, model: nn.Module, name: str, dataset: ImageDataset, *, precision: str
    ) -> None:
        self._loader, num_query = build_test_loader(cfg, name, dataset)
        self._features = _Features(cfg, num_query)
        self._model = InPrecision(model, precision)
        self._flips = cfg.TEST.FLIP.ENABLED

    def encode(self) -> None:
        inference_on_dataset(self._model, self._loader, self._features, flip_test=self._flips)

    def score(self) -> OrderedDict:
        return self._features.rank()


def _compare_scores(key: str, scores: dict[str, OrderedDict]) -> str:
    fp32, bf16 = (scores[precision][key] for precision in PRECISIONS)
    return f"{key}: {fp32:.2f} in fp32, {bf16:.2f} in bf16, a difference of {bf16 - fp32:+.2f}."

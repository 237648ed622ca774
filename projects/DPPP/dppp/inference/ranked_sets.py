"""The rankings behind the scores of a test set: the same features, distances and junk."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fastreid.config import CfgNode
from fastreid.evaluation.evaluator import DatasetEvaluator, inference_on_dataset
from torch import Tensor, nn

from ..data import build_test_loader
from ..errors import UserError
from ..evaluation import DistanceRows, evaluate_rank
from .pictures import Hit, Ranking

ORDERS = ("best", "worst", "random")


class _Keep(DatasetEvaluator):
    """Instead of scores, the features (Q + G, d1)."""

    def reset(self) -> None:
        self._features = []

    def process(self, inputs: dict, outputs: Tensor) -> None:
        self._features.append(outputs.cpu().float())

    def evaluate(self) -> Tensor:
        return torch.cat(self._features)


@dataclass
class RankedTestSet:
    """A test set, the distances between its images, and the AP of its queries.

    Attributes:
        query, gallery: (path, identity, camera) of each image.
        rows: distances (Q, G).
        precisions: AP (V,), 0..1, of the queries that have a match.
        valid: indices (V,) of those queries.
    """

    query: list[tuple[str, int, int]]
    gallery: list[tuple[str, int, int]]
    rows: DistanceRows
    precisions: np.ndarray
    valid: np.ndarray

    def choose(self, order: str, number: int, seed: int) -> np.ndarray:
        """Places in ``valid`` of the queries with the highest or lowest AP, or of random ones."""
        if order == "random":
            return np.random.default_rng(seed).permutation(len(self.valid))[:number]
        places = np.argsort(self.precisions, kind="stable")
        return (places[::-1] if order == "best" else places)[:number]

    def rankings(self, places: np.ndarray, num_hits: int) -> list[Ranking]:
        """The nearest images of some valid queries, without junk, as ``evaluate_rank`` has it."""
        wanted = {int(self.valid[place]): place for place in places}
        made = {}
        for index, row in enumerate(self.rows):
            if index in wanted:
                made[wanted[index]] = self._ranking(index, wanted[index], row, num_hits)
        return [made[place] for place in places]

    def _ranking(self, index: int, place: int, row: np.ndarray, num_hits: int) -> Ranking:
        path, pid, camera = self.query[index]
        order = [int(i) for i in np.argsort(row) if self.gallery[i][1:] != (pid, camera)]
        hits = [
            Hit(Path(self.gallery[i][0]), float(row[i]), self.gallery[i][1] == pid)
            for i in order[:num_hits]
        ]
        ap = 100 * self.precisions[place]
        return Ranking(Path(path), f"{Path(path).name}   AP {ap:.1f} %", hits)


def rank_test_set(cfg: CfgNode, network: nn.Module, name: str) -> RankedTestSet:
    """Run the evaluation of a test set, and keep what it ranks.

    Args:
        network: the meta-architecture, as the evaluator takes it.
        name: of the data set.

    Raises:
        UserError: no such set, no query with a match, or settings that change the ranking.
    """
    for key, part in (("RERANK", cfg.TEST.RERANK), ("AQE", cfg.TEST.AQE)):
        if part.ENABLED:
            raise UserError(f"TEST.{key}.ENABLED is True; only the plain ranking can be drawn")
    loader, num_query = build_test_loader(cfg, name)
    features = inference_on_dataset(network, loader, _Keep(), cfg.TEST.FLIP.ENABLED)
    if not features.isfinite().all():
        raise UserError("the model gives NaN or infinite features; its training has diverged")
    items = loader.dataset.img_items
    query, gallery = items[:num_query], items[num_query:]
    rows = DistanceRows(features[:num_query], features[num_query:], cfg.TEST.METRIC)
    q_pids, q_camids = (np.array([item[field] for item in query]) for field in (1, 2))
    g_pids, g_camids = (np.array([item[field] for item in gallery]) for field in (1, 2))
    _, precisions, _ = evaluate_rank(rows, q_pids, g_pids, q_camids, g_camids)
    has_match = [
        bool(((g_pids == pid) & (g_camids != camera)).any())
        for pid, camera in zip(q_pids, q_camids, strict=True)
    ]
    return RankedTestSet(query, gallery, rows, precisions, np.flatnonzero(has_match))

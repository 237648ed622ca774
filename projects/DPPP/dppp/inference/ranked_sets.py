"""The rankings behind the scores of a test set: the same features, distances and junk."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fastreid.config import CfgNode
from fastreid.evaluation.evaluator import DatasetEvaluator, inference_on_dataset
from torch import Tensor, nn

from ..data import build_test_loader, load_dataset
from ..errors import UserError
from ..evaluation import DistanceRows, evaluate_rank, have_match, labels_of, require_finite
from ..precision import InPrecision
from .pictures import Hit, Ranking

ORDERS = ("best", "worst", "random")


class _Keep(DatasetEvaluator):
    """Keeps the features (Q + G, d1) in place of scores."""

    def reset(self) -> None:
        self._features: list[Tensor] = []

    def process(self, inputs: dict, outputs: Tensor) -> None:
        self._features.append(outputs.cpu().float())

    def evaluate(self) -> Tensor:
        return torch.cat(self._features)


@dataclass(frozen=True, kw_only=True)
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
        """Return indices into ``valid``: of the best or worst queries by AP, or random ones."""
        if order == "random":
            return np.random.default_rng(seed).permutation(len(self.valid))[:number]
        places = np.argsort(self.precisions, kind="stable")
        return (places[::-1] if order == "best" else places)[:number]

    def rankings(self, places: np.ndarray, num_hits: int) -> list[Ranking]:
        """Return the nearest images of some valid queries, without junk, as they are scored."""
        place_of = {int(self.valid[place]): place for place in places}
        rankings = {}
        for index, row in enumerate(self.rows):
            if index in place_of:
                rankings[place_of[index]] = self._ranking(index, place_of[index], row, num_hits)
        return [rankings[place] for place in places]

    def _ranking(self, index: int, place: int, row: np.ndarray, num_hits: int) -> Ranking:
        path, pid, camera = self.query[index]
        order = [int(i) for i in np.argsort(row) if self.gallery[i][1:] != (pid, camera)]
        hits = [
            Hit(
                file=Path(self.gallery[i][0]),
                score=float(row[i]),
                same_person=self.gallery[i][1] == pid,
            )
            for i in order[:num_hits]
        ]
        title = f"{Path(path).name}   AP {100 * self.precisions[place]:.1f} %"
        return Ranking(query=Path(path), title=title, hits=hits)


def rank_test_set(cfg: CfgNode, network: nn.Module, name: str) -> RankedTestSet:
    """Run the evaluation of a test set, and keep what it ranks.

    Args:
        cfg: the run's.
        network: the model, as the evaluator takes it.
        name: of the data set.

    Raises:
        UserError: no such set, no query with a match, or settings that change the ranking.
    """
    for key, part in (
        ("RERANK", cfg.TEST.RERANK),
        ("AQE", cfg.TEST.AQE),
        ("NFC", cfg.TEST.NFC),
    ):
        if part.ENABLED:
            raise UserError(f"TEST.{key}.ENABLED is True; only the plain ranking can be drawn")
    dataset = load_dataset(cfg, name)
    loader, num_query = build_test_loader(cfg, name, dataset)
    model = InPrecision(network, cfg.TEST.PRECISION)
    features = inference_on_dataset(model, loader, _Keep(), flip_test=cfg.TEST.FLIP.ENABLED)
    require_finite(features)
    rows = DistanceRows(features[:num_query], features[num_query:], cfg.TEST.METRIC)
    labels = labels_of(dataset.query, dataset.gallery)
    _, precisions, _ = evaluate_rank(rows, *labels)
    return RankedTestSet(
        query=dataset.query,
        gallery=dataset.gallery,
        rows=rows,
        precisions=precisions,
        valid=np.flatnonzero(have_match(*labels)),
    )

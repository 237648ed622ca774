"""The table at the end of a run: each test set after each phase, beside chance."""

import json
import logging
import os

import numpy as np
from fastreid.config import CfgNode
from tabulate import tabulate

from ..data.loaders import load_dataset
from ..errors import DataNotFoundError
from ..evaluation import chance_level

logger = logging.getLogger("fastreid.dppp")

_SCORES = ("Rank-1", "Rank-5", "mAP")
Scores = dict[str, float]


def keep_available_tests(cfg: CfgNode) -> tuple[CfgNode, list[str]]:
    """Leave out test sets whose files are not there, with a warning, before any work is done.

    Returns:
        The config with the sets that are there, and the names of the others.
    """
    missing = []
    for name in cfg.DATASETS.TESTS:
        try:
            load_dataset(cfg, name)
        except DataNotFoundError as error:
            logger.warning("not available, left out of DATASETS.TESTS: %s", error)
            missing.append(name)
    cfg = cfg.clone()
    cfg.defrost()
    cfg.DATASETS.TESTS = tuple(name for name in cfg.DATASETS.TESTS if name not in missing)
    cfg.freeze()
    return cfg, missing


def by_test_set(cfg: CfgNode, results: dict) -> dict[str, Scores]:
    """Test set -> scores; FastReID leaves the name out where there is one test set only."""
    return {cfg.DATASETS.TESTS[0]: results} if len(cfg.DATASETS.TESTS) == 1 else dict(results)


def summarize(cfg: CfgNode, results: dict[str, dict[str, Scores]]) -> dict[str, dict[str, Scores]]:
    """Data set -> ("chance" and each stage) -> Rank-1, Rank-5, mAP in percent.

    Args:
        cfg: the run's.
        results: stage -> data set -> scores of the evaluator.
    """
    table = {}
    for name in cfg.DATASETS.TESTS:
        dataset = load_dataset(cfg, name)
        rows = {"chance": chance_level(*_labels(dataset.query, dataset.gallery))}
        for stage, scores in results.items():
            rows[stage] = {key: float(scores[name][key]) for key in _SCORES}
        table[name] = rows
    return table


def _labels(query: list[tuple], gallery: list[tuple]) -> tuple[np.ndarray, ...]:
    """q_pids, g_pids, q_camids, g_camids."""
    parts = [
        np.array([item[field] for item in items]) for field in (1, 2) for items in (query, gallery)
    ]
    return tuple(parts)


def format_summary(table: dict[str, dict[str, Scores]], not_available: list[str]) -> str:
    """The table as Markdown; a set that was not there has a row that says so."""
    rows = []
    for name, stages in table.items():
        for stage, scores in stages.items():
            rows.append(["" if rows and stage != "chance" else name, stage])
            rows[-1] += [f"{scores[key]:.1f}" for key in _SCORES]
    rows += [[name, "not available", "", "", ""] for name in not_available]
    return tabulate(
        rows,
        headers=["Test set", "Model", *_SCORES],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=("left", "left", "right", "right", "right"),
    )


def write_summary(output_dir: str, table: dict, not_available: list[str], seconds: float) -> None:
    """summary.json in the output folder."""
    content = {
        "results_percent": table,
        "not_available": not_available,
        "training_sec": round(seconds, 1),
    }
    path = os.path.join(output_dir, "summary.json")
    with open(f"{path}.tmp", "w") as file:
        json.dump(content, file, indent=2)
    os.replace(f"{path}.tmp", path)

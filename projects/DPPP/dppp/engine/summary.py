"""The table at the end of a run: each test set after each phase, beside chance."""

import json
import logging
import os
from dataclasses import asdict, dataclass

import numpy as np
from fastreid.config import CfgNode
from tabulate import tabulate

from ..data import load_dataset
from ..errors import DataNotFoundError
from ..evaluation import (
    chance_level,
    check_num_images,
    check_test_settings,
    describe_postprocess,
    have_match,
)
from ..files import whole_file

logger = logging.getLogger("fastreid.dppp")

_SCORES = ("Rank-1", "Rank-5", "mAP")
Scores = dict[str, float]


@dataclass(frozen=True)
class Summary:
    """What summary.json says of the scores of a run; its fields are the keys there.

    Args:
        results_percent: test set -> "chance" and each stage -> Rank-1, Rank-5, mAP in percent.
        queries: test set -> "total" queries, and those that are "valid": that have an image of
            their identity in another camera of the gallery. The scores are means of these.
        postprocess: what was done to the distances before they were ranked, in order.
        not_available: test sets whose files were not there.
    """

    results_percent: dict[str, dict[str, Scores]]
    queries: dict[str, dict[str, int]]
    postprocess: list[str]
    not_available: list[str]


def keep_available_tests(cfg: CfgNode) -> tuple[CfgNode, list[str]]:
    """Leave out test sets whose files are not there, with a warning, before any work is done.

    Returns:
        The config with the sets that are there, and the names of the others.

    Raises:
        UserError: settings under TEST that no ranking, or not that of these sets, can use.
    """
    check_test_settings(cfg.TEST)
    missing = []
    for name in cfg.DATASETS.TESTS:
        try:
            dataset = load_dataset(cfg, name)
        except DataNotFoundError as error:
            logger.warning("not available, left out of DATASETS.TESTS: %s", error)
            missing.append(name)
            continue
        check_num_images(cfg.TEST, len(dataset.query) + len(dataset.gallery))
    cfg = cfg.clone()
    cfg.defrost()
    cfg.DATASETS.TESTS = tuple(name for name in cfg.DATASETS.TESTS if name not in missing)
    cfg.freeze()
    return cfg, missing


def by_test_set(cfg: CfgNode, results: dict) -> dict[str, Scores]:
    """Test set -> scores; FastReID leaves the name out where there is one test set only."""
    return {cfg.DATASETS.TESTS[0]: results} if len(cfg.DATASETS.TESTS) == 1 else dict(results)


def summarize(
    cfg: CfgNode, results: dict[str, dict[str, Scores]], not_available: list[str]
) -> Summary:
    """The scores that the paper prints, beside chance, and what they are scores of.

    Args:
        cfg: the run's.
        results: stage -> data set -> scores of the evaluator.
        not_available: test sets that were left out.
    """
    table, queries = {}, {}
    for name in cfg.DATASETS.TESTS:
        dataset = load_dataset(cfg, name)
        labels = _labels(dataset.query, dataset.gallery)
        rows = {"chance": chance_level(*labels)}
        for stage, scores in results.items():
            rows[stage] = {key: float(scores[name][key]) for key in _SCORES}
        table[name] = rows
        queries[name] = {"valid": int(have_match(*labels).sum()), "total": len(dataset.query)}
    return Summary(table, queries, describe_postprocess(cfg.TEST), not_available)


def _labels(query: list[tuple], gallery: list[tuple]) -> tuple[np.ndarray, ...]:
    """q_pids, g_pids, q_camids, g_camids."""
    parts = [
        np.array([item[field] for item in items]) for field in (1, 2) for items in (query, gallery)
    ]
    return tuple(parts)


def format_summary(summary: Summary) -> str:
    """The table as Markdown; a set that was not there has a row that says so."""
    rows = []
    for name, stages in summary.results_percent.items():
        first = [name, _count(**summary.queries[name])]
        for stage, scores in stages.items():
            shown, queries = first if stage == "chance" else ("", "")
            rows.append([shown, stage, *(f"{scores[key]:.1f}" for key in _SCORES), queries])
    rows += [[name, "not available", "", "", "", ""] for name in summary.not_available]
    table = tabulate(
        rows,
        headers=["Test set", "Model", *_SCORES, "Queries"],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=("left", "left", "right", "right", "right", "right"),
    )
    if not summary.postprocess:
        return table
    return f"{table}\n\nRanked after {' and '.join(summary.postprocess)}."


def _count(valid: int, total: int) -> str:
    return str(total) if valid == total else f"{valid} of {total}"


def write_summary(output_dir: str, summary: Summary, seconds: float) -> None:
    """summary.json in the output folder."""
    content = {**asdict(summary), "training_sec": round(seconds, 1)}
    with whole_file(os.path.join(output_dir, "summary.json")) as temporary:
        temporary.write_text(json.dumps(content, indent=2))

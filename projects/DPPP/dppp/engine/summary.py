"""The table at the end of a run: each test set after each phase, next to chance."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from fastreid.config import CfgNode
from fastreid.data.datasets.bases import ImageDataset
from tabulate import tabulate

from ..evaluation import chance_level, describe_postprocess, have_match, labels_of
from ..files import whole_file

_SCORES = ("Rank-1", "Rank-5", "mAP")
Scores = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What summary.json says of the scores of a run; its fields are the keys of the file.

    Attributes:
        results_percent: test set -> "chance" and each stage -> Rank-1, Rank-5, mAP in percent.
        queries: test set -> number of queries in "total", and of those that are "valid": that
            have an image of their identity from another camera in the gallery. The scores are
            means over the valid ones.
        postprocess: what was done to the distances before they were ranked, in order.
        precision: number format in which the images were encoded, TEST.PRECISION.
        not_available: test sets whose files do not exist.
    """

    results_percent: dict[str, dict[str, Scores]]
    queries: dict[str, dict[str, int]]
    postprocess: list[str]
    precision: str
    not_available: list[str]


def summarize(
    cfg: CfgNode,
    results: Mapping[str, Mapping[str, Scores]],
    test_sets: Mapping[str, ImageDataset],
    *,
    not_available: list[str],
) -> Summary:
    """Collect the scores that the paper prints, next to chance, and what they are means of.

    Args:
        cfg: the run's.
        results: stage -> test set -> scores of the evaluator.
        test_sets: name -> data set.
        not_available: test sets that were left out.
    """
    table, queries = {}, {}
    for name, dataset in test_sets.items():
        labels = labels_of(dataset.query, dataset.gallery)
        rows = {"chance": chance_level(*labels)}
        for stage, scores in results.items():
            rows[stage] = {key: float(scores[name][key]) for key in _SCORES}
        table[name] = rows
        queries[name] = {"valid": int(have_match(*labels).sum()), "total": len(dataset.query)}
    return Summary(
        results_percent=table,
        queries=queries,
        postprocess=describe_postprocess(cfg.TEST),
        precision=cfg.TEST.PRECISION,
        not_available=not_available,
    )


def format_summary(summary: Summary) -> str:
    """Return the table as Markdown; a missing test set has a row that says so."""
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
    notes = scoring_notes(summary.postprocess, summary.precision)
    return f"{table}\n\n{notes}" if notes else table


def scoring_notes(postprocess: Sequence[str], precision: str) -> str:
    """Return sentences on what sets scores apart from the plain ones; "" for plain ones."""
    notes = [f"Ranked after {' and '.join(postprocess)}."] if postprocess else []
    notes += [f"Images encoded in {precision}."] if precision != "fp32" else []
    return " ".join(notes)


def _count(valid: int, total: int) -> str:
    return str(total) if valid == total else f"{valid} of {total}"


def write_summary(output_dir: str, summary: Summary, seconds: float) -> None:
    """Write summary.json into the output folder."""
    content = {**asdict(summary), "training_sec": round(seconds, 1)}
    with whole_file(os.path.join(output_dir, "summary.json")) as temporary:
        temporary.write_text(json.dumps(content, indent=2))

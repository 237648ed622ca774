"""The paper's tables as data: each row's label, its config, and the printed numbers.

Source: arXiv 2511.05092, Tables III to VI. Scores are percentages; None is a dash in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

MARKET, DUKE = "Market1501", "DukeMTMC"
AFTER_PHASE_1, AFTER_PHASE_2 = "after phase 1", "after phase 2"

Scores = dict[str, float | None]
_Printed = tuple[float | None, float | None, float | None]  # Rank-1, Rank-5, mAP


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table.

    Attributes:
        label: as the paper names it.
        config: file under configs/DPPP to train it with.
        stage: which model's scores the row shows.
        paper: test set -> score -> the paper's number.
    """

    label: str
    config: str
    stage: str
    paper: dict[str, Scores]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: its scores are the columns of each test set."""

    title: str
    scores: tuple[str, ...]
    rows: tuple[Row, ...]


def _source(
    label: str,
    config: str,
    market: _Printed | None,
    duke: _Printed | None,
    stage: str = AFTER_PHASE_1,
) -> Row:
    names = ("Rank-1", "Rank-5", "mAP")
    tests = {MARKET: market, DUKE: duke}
    paper = {
        test: dict(zip(names, scores, strict=True))
        for test, scores in tests.items()
        if scores is not None
    }
    return Row(label=label, config=f"sources/{config}.yml", stage=stage, paper=paper)


def _ablation(label: str, config: str, stage: str, **scores: float) -> Row:
    names = {"r1": "Rank-1", "r5": "Rank-5", "map": "mAP"}
    paper: dict[str, Scores] = {MARKET: {names[key]: value for key, value in scores.items()}}
    return Row(label=label, config=f"ablations/{config}.yml", stage=stage, paper=paper)


TABLES = {
    "table3": Table(
        title="Table III: training sets, tested on cameras never seen",
        scores=("Rank-1", "Rank-5", "mAP"),
        rows=(
            _source("Market-1501", "market1501", None, (30.7, 45.0, 15.0)),
            _source("DukeMTMC-reID", "dukemtmc", (49.8, 66.8, 22.5), None),
            _source("SOMAset", "somaset", (4.5, None, 1.3), (4.0, None, 1.0)),
            _source("SyRI", "syri", (29.0, None, 10.8), (23.7, None, 9.0)),
            _source("PersonX", "personx", (44.0, None, 20.4), (35.4, None, 18.1)),
            _source("FineGPR", "finegpr", (50.5, 67.7, 24.6), (None, None, None)),
            _source("RandPerson", "randperson", (55.6, None, 28.8), (47.6, None, 27.1)),
            _source("UnrealPerson", "unrealperson", (54.4, 70.2, 27.9), (48.2, 64.5, 26.3)),
            _source("GenePerson", "geneperson", (57.0, 71.9, 31.9), (56.1, 70.5, 36.1)),
            _source(
                "GenePerson†",
                "geneperson_dagger",
                (57.7, 73.0, 32.6),
                (57.5, 71.3, 37.2),
                AFTER_PHASE_2,
            ),
        ),
    ),
    "table4": Table(
        title="Table IV: the losses, added one by one",
        scores=("Rank-1", "mAP"),
        rows=(
            _ablation("a) L1_SupCon", "table4_a", AFTER_PHASE_1, r1=23.0, map=10.6),
            _ablation("b) + L1_ReID", "table4_b", AFTER_PHASE_1, r1=55.0, map=29.9),
            _ablation("c) + L_Tri-txt", "table4_c", AFTER_PHASE_1, r1=56.4, map=31.7),
            _ablation("d) + L2_ReID", "table4_d", AFTER_PHASE_2, r1=57.3, map=32.4),
            _ablation("e) + L2_SupCon", "table4_e", AFTER_PHASE_2, r1=57.7, map=32.6),
        ),
    ),
    "table5": Table(
        title="Table V: prompt strategies of phase 1",
        scores=("Rank-1", "Rank-5", "mAP"),
        rows=(
            _ablation(
                "generic prompt", "table5_generic", AFTER_PHASE_1, r1=54.2, r5=70.7, map=29.0
            ),
            _ablation(
                "content prompt", "table5_content", AFTER_PHASE_1, r1=55.8, r5=71.2, map=31.5
            ),
            _ablation(
                "style-content prompt",
                "table5_style_content",
                AFTER_PHASE_1,
                r1=56.4,
                r5=71.3,
                map=31.7,
            ),
        ),
    ),
    "table6": Table(
        title="Table VI: number of local style features, and no filter",
        scores=("Rank-1", "Rank-5", "mAP"),
        rows=(
            _ablation(
                "no filter (24)", "table6_no_filter", AFTER_PHASE_2, r1=54.5, r5=70.2, map=30.6
            ),
            _ablation("k = 4", "table6_k04", AFTER_PHASE_2, r1=55.9, r5=71.7, map=31.7),
            _ablation("k = 6", "table6_k06", AFTER_PHASE_2, r1=57.7, r5=78.7, map=32.6),
            _ablation("k = 8", "table6_k08", AFTER_PHASE_2, r1=56.6, r5=72.1, map=32.0),
            _ablation("k = 10", "table6_k10", AFTER_PHASE_2, r1=55.9, r5=72.1, map=31.9),
            _ablation("k = 12", "table6_k12", AFTER_PHASE_2, r1=55.3, r5=70.9, map=30.9),
        ),
    ),
}

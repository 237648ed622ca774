"""What PDM adds: the same data and encoder with and without it, at equal epochs and compute."""

from __future__ import annotations

from .comparison import SCORES, ComparedRow, compare, content, effects, grid
from .paper import AFTER_PHASE_1, AFTER_PHASE_2, Table
from .report import made_by, write_report
from .request import Request
from .testbeds import choose_testbed

PDM = "pdm"
_LITERAL = "ablations/projector_literal.yml"
_UNTRAINED = ComparedRow(
    label="the CLIP as it comes (learning rate 0)",
    config="ablations/untrained.yml",
    stage=AFTER_PHASE_1,
)
_WITHOUT = ComparedRow(
    label="without PDM, epochs of phase 1", config="ablations/baseline.yml", stage=AFTER_PHASE_1
)
_LONGER = ComparedRow(
    label="without PDM, epochs of both phases",
    config="ablations/baseline.yml",
    stage=AFTER_PHASE_1,
    both_phases=True,
)
_EQUAL = ComparedRow(
    label="without PDM, compute of both phases",
    config="ablations/baseline.yml",
    stage=AFTER_PHASE_1,
    compute_of=_LITERAL,
)
_ALL = (_WITHOUT.label, _LONGER.label, _EQUAL.label)
_ROWS = (
    _UNTRAINED,
    _WITHOUT,
    _LONGER,
    _EQUAL,
    ComparedRow(
        label="with PDM, after phase 1", config=_LITERAL, stage=AFTER_PHASE_1, against=_ALL[:2]
    ),
    ComparedRow(
        label="with PDM, after phase 2, v_c = P_s(v_g)",
        config=_LITERAL,
        stage=AFTER_PHASE_2,
        against=_ALL,
    ),
    ComparedRow(
        label="with PDM, after phase 2, v_c = v_g + P_s(v_g)",
        config="ablations/projector_residual.yml",
        stage=AFTER_PHASE_2,
        against=_ALL,
    ),
)
_TABLE = Table(title="", scores=SCORES, rows=_ROWS)


def pdm_report(request: Request) -> str:
    """Compare ID and triplet loss alone ("without PDM") with the whole of PDM, as Markdown.

    Raises:
        UserError: settings that cannot be used.
    """
    testbed = choose_testbed(request.testbed, _TABLE, request.opts)
    tests = testbed.measured_on()
    outcomes = compare(_ROWS, testbed, request)
    text = f"## What PDM adds to ID and triplet loss\n\n{grid(outcomes, tests)}\n\n"
    text += effects(_ROWS, outcomes, tests) + made_by(request)
    if request.output is not None:
        write_report(request.output, text, content(outcomes))
    return text

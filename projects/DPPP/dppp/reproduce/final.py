"""The final table: scores on a world on which nothing was chosen, and which no other report shows.

Recipes, learning rates and numbers of epochs are chosen on the shifted world, so scores there favor
what was tuned most. A row is added once its recipe is fixed, before its score here is known.
"""

from __future__ import annotations

import dataclasses

from ..errors import UserError
from .comparison import SCORES, ComparedRow, compare, content, effects, grid
from .paper import AFTER_PHASE_1, AFTER_PHASE_2, MARKET, Table
from .report import made_by, write_report
from .request import FINAL, UNSEEN, Request
from .testbeds import FIVE_WORLDS, Testbed, choose_testbed

_BASELINE = "ablations/baseline.yml"
_PDM = "ablations/projector_literal.yml"  # P_s as a residual costs the same
_TRANSFER = "vit_b16_transfer.yml"
_WITHOUT_PDM = ("MODEL.DPPP.LOSSES", '("L1_ReID",)')

_EPOCHS = ComparedRow(
    label="ID + triplet, epochs of both phases",
    config=_BASELINE,
    stage=AFTER_PHASE_1,
    both_phases=True,
)
_COMPUTE = ComparedRow(
    label="ID + triplet, compute of PDM",
    config=_BASELINE,
    stage=AFTER_PHASE_1,
    compute_of=_PDM,
)
_RESIDUAL = ComparedRow(
    label="PDM, v_c = v_g + P_s(v_g)",
    config="ablations/projector_residual.yml",
    stage=AFTER_PHASE_2,
    against=(_EPOCHS.label, _COMPUTE.label),
)
_WORLDS = ComparedRow(
    label="five camera worlds: ID + triplet, compute of PDM",
    config=_TRANSFER,
    settings=(*FIVE_WORLDS, *_WITHOUT_PDM),
    stage=AFTER_PHASE_1,
    compute_of=_PDM,
    against=(_COMPUTE.label,),
)
ROWS = (
    ComparedRow(
        label="the CLIP as it comes (learning rate 0)",
        config="ablations/untrained.yml",
        stage=AFTER_PHASE_1,
    ),
    _EPOCHS,
    _COMPUTE,
    ComparedRow(
        label="PDM, v_c = P_s(v_g)",
        config=_PDM,
        stage=AFTER_PHASE_2,
        against=(_EPOCHS.label, _COMPUTE.label),
    ),
    _RESIDUAL,
    _WORLDS,
    ComparedRow(
        label="five camera worlds: PDM, v_c = v_g + P_s(v_g)",
        config=_TRANSFER,
        settings=FIVE_WORLDS,
        stage=AFTER_PHASE_2,
        against=(_RESIDUAL.label, _WORLDS.label),
    ),
)


def final_report(request: Request) -> str:
    """Return the final table as Markdown.

    Raises:
        UserError: settings that cannot be used, or a testbed without an unseen world.
    """
    testbed = _unseen_world(request)
    tests = testbed.measured_on()
    outcomes = compare(ROWS, testbed, request)
    text = f"## Final table: {UNSEEN}, on which nothing was chosen\n\n{grid(outcomes, tests)}\n\n"
    text += effects(ROWS, outcomes, tests) + testbed.note + made_by(request)
    if request.output is not None:
        write_report(request.output, text, content(outcomes))
    return text


def _unseen_world(request: Request) -> Testbed:
    """Return the embedded testbed with the unseen world as its only test set."""
    if request.testbed != "embedded":
        raise UserError(f"{FINAL} is a table of the embedded testbed; add --testbed embedded")
    testbed = choose_testbed(request.testbed, Table(title="", scores=SCORES, rows=ROWS))
    opts = ("DATASETS.TESTS", str((UNSEEN,)))
    return dataclasses.replace(testbed, tests=((MARKET, UNSEEN),), opts=opts)

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
from .testbeds import Testbed, choose_testbed

_PDM = "ablations/projector_literal.yml"  # P_s as a residual costs the same
_PLAIN = ("ID + triplet, epochs of both phases", "ID + triplet, compute of PDM")


def _row(
    label: str,
    config: str,
    stage: str,
    *,
    against: tuple[str, ...] = (),
    both_phases: bool = False,
    compute_of: str = "",
) -> ComparedRow:
    return ComparedRow(
        label=label,
        config=f"ablations/{config}.yml",
        stage=stage,
        against=against,
        both_phases=both_phases,
        compute_of=compute_of,
    )


ROWS = (
    _row("the CLIP as it comes (learning rate 0)", "untrained", AFTER_PHASE_1),
    _row(_PLAIN[0], "baseline", AFTER_PHASE_1, both_phases=True),
    _row(_PLAIN[1], "baseline", AFTER_PHASE_1, compute_of=_PDM),
    _row("PDM, v_c = P_s(v_g)", "projector_literal", AFTER_PHASE_2, against=_PLAIN),
    _row("PDM, v_c = v_g + P_s(v_g)", "projector_residual", AFTER_PHASE_2, against=_PLAIN),
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

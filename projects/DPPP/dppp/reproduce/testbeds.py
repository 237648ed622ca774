"""The two testbeds of a table: the paper's data sets, or the quickstart's."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UserError
from .paper import MARKET, TABLES, Table

TESTBEDS = ("paper", "embedded")


@dataclass(frozen=True, kw_only=True)
class Testbed:
    """Where a table is made.

    Attributes:
        base: config under configs/DPPP that the rows' keys are added to; empty if the rows use
            their own configs, which name the paper's data sets.
        tests: (the paper's test set, the set measured on in its place).
        note: what a reader has to know to compare with the paper, as Markdown.
        opts: ``KEY VALUE ...`` for every run, after the request's.
        extra: further test sets, of which the paper has no number.
    """

    base: str
    tests: tuple[tuple[str, str], ...]
    note: str
    opts: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def measured_on(self) -> list[str]:
        """Return all test sets that are measured on."""
        return [*(test for _, test in self.tests), *self.extra]


_EMBEDDED = Testbed(
    base="quickstart.yml",
    tests=((MARKET, "GenePersonToyShifted"),),
    note="""
The embedded testbed is not the paper's: procedural people, a small CLIP, and a held-out camera
world in place of Market-1501. Compare the order of the rows with the paper, not the level. The
rows' keys are set on top of quickstart.yml, whose P_s is a residual (DESTYLIZATION_RESIDUAL).
""",
)


def choose_testbed(name: str, table: Table) -> Testbed:
    """Return the testbed called ``name`` for a table.

    Raises:
        UserError: the table compares data sets that the testbed does not have.
    """
    if name == "embedded":
        if table is TABLES["table3"]:
            raise UserError(
                "table3 compares real and virtual data sets: it has no embedded testbed"
            )
        return _EMBEDDED
    names = dict.fromkeys(test for row in table.rows for test in row.paper)
    return Testbed(base="", tests=tuple((test, test) for test in names), note="")

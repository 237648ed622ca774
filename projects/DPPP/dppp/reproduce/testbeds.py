"""The two testbeds of a table: the paper's data sets, or procedural people and the small CLIP."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from ..config import load_config
from ..errors import UserError
from .checkout import CONFIGS, RECIPE
from .paper import MARKET, TABLES, Table
from .request import SHIFTED

TESTBEDS = ("paper", "embedded")
# Of the embedded testbed: as many people to train on, from five camera worlds.
FIVE_WORLDS = (
    "DATASETS.NAMES",
    str(tuple(f"GenePersonToyWorld{number}" for number in range(31, 36))),
)


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
    base="testbed.yml",
    tests=((MARKET, SHIFTED),),
    note="""
The embedded testbed is not the paper's: procedural people, a small CLIP, and a held-out camera
world in place of Market-1501. Compare the order of the rows with the paper, not the level. The
rows' keys are set on top of testbed.yml.
""",
)


def choose_testbed(name: str, table: Table, opts: Sequence[str] = ()) -> Testbed:
    """Return the testbed called ``name`` for a table.

    Args:
        name: one of ``TESTBEDS``.
        table: the table; its rows name the paper's test sets.
        opts: of the request; what they add to DATASETS.TESTS is measured on as well.

    Raises:
        UserError: the table compares data sets that the testbed does not have, or settings that
            cannot be used.
    """
    if name == "embedded":
        if table is TABLES["table3"]:
            raise UserError(
                "table3 compares real and virtual data sets: it has no embedded testbed"
            )
        return dataclasses.replace(_EMBEDDED, extra=_added_tests(_EMBEDDED.base, opts))
    names = dict.fromkeys(test for row in table.rows for test in row.paper)
    extra = _added_tests(RECIPE, opts)
    return Testbed(base="", tests=tuple((test, test) for test in names), note="", extra=extra)


def _added_tests(config: str, opts: Sequence[str]) -> tuple[str, ...]:
    """Return the test sets that settings add to those of a config."""
    own, given = (
        load_config(str(CONFIGS / config), list(words)).DATASETS.TESTS for words in ((), opts)
    )
    return tuple(test for test in given if test not in own)

"""The paper's tables and Fig. 6 next to the paper's numbers, and what PDM adds to a baseline."""

from collections.abc import Callable

from .curves import curves_report
from .fig6 import FIGURE, figure_report
from .final import final_report
from .levers import LEVERS, levers_report
from .paper import TABLES
from .pdm import PDM, pdm_report
from .request import CURVE_EPOCHS, CURVES, FINAL, Request
from .tables import table_report
from .testbeds import TESTBEDS

# Name of a report -> the function that makes it and returns its Markdown.
REPORTS: dict[str, Callable[[Request], str]] = {
    **dict.fromkeys(TABLES, table_report),
    PDM: pdm_report,
    CURVES: curves_report,
    LEVERS: levers_report,
    FINAL: final_report,
    FIGURE: figure_report,
}

__all__ = ["CURVE_EPOCHS", "REPORTS", "TABLES", "TESTBEDS", "Request"]

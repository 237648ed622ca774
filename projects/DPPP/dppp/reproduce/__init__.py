"""The paper's tables and Fig. 6, reproduced and printed next to the paper's numbers."""

from collections.abc import Callable

from .fig6 import FIGURE, figure_report
from .paper import TABLES
from .pdm import PDM, pdm_report
from .request import Request
from .tables import table_report
from .testbeds import TESTBEDS

# Name of a report -> the function that makes it and returns its Markdown.
REPORTS: dict[str, Callable[[Request], str]] = {
    **dict.fromkeys(TABLES, table_report),
    PDM: pdm_report,
    FIGURE: figure_report,
}

__all__ = ["REPORTS", "TABLES", "TESTBEDS", "Request"]

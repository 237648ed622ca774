"""The paper's tables and Fig. 6, made again and printed beside the paper's numbers."""

from .fig6 import FIGURE, figure
from .paper import TABLES
from .pdm import GAIN, gain
from .tables import table

__all__ = ["FIGURE", "GAIN", "TABLES", "figure", "gain", "table"]

"""The paper's tables and Fig. 6, made again and printed beside the paper's numbers."""

from .fig6 import FIGURE, figure
from .gain import GAIN, gain
from .paper import TABLES
from .reproduce import table

__all__ = ["FIGURE", "GAIN", "TABLES", "figure", "gain", "table"]

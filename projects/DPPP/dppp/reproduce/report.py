"""The files of a report: Markdown to read, JSON to compute with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import load_config
from ..engine.summary import scoring_notes
from ..evaluation import describe_postprocess
from ..files import whole_file
from .checkout import CONFIGS, RECIPE
from .request import Request

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def made_by(request: Request) -> str:
    """Return how the runs are scored, how many there are, and the command that makes them."""
    test = load_config(str(CONFIGS / RECIPE), list(request.opts)).TEST
    notes = scoring_notes(describe_postprocess(test), test.PRECISION)
    seeds = "One seed"
    if request.num_seeds > 1:
        seeds = f"{request.num_seeds} seeds a row, mean ± standard deviation"
    return (f"\n{notes}\n" if notes else "") + f"\n{seeds}: `{request.command()}`\n"


def write_report(output: Path, text: str, content: dict[str, object]) -> None:
    """Write the report and the JSON file next to it."""
    for path, written in ((output, text), (output.with_suffix(".json"), json.dumps(content))):
        with whole_file(path) as temporary:
            temporary.write_text(written, encoding="utf-8")


def write_picture(path: Path, picture: Figure) -> None:
    """Write a picture, in the format of the file's ending."""
    with whole_file(path) as temporary:
        picture.savefig(temporary, dpi=150, format=path.suffix[1:])

"""What a report is asked to show."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from .checkout import require_checkout

CURVES, FINAL = "curves", "final"  # reports with a rule of their own
CURVE_EPOCHS = (2, 4, 8, 16)
# Test sets of the embedded testbed: what all reports show but one, and that of the final table.
SHIFTED, UNSEEN = "GenePersonTwinsShifted", "GenePersonTwinsUnseen"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A report and the runs behind it; checked when it is made.

    Attributes:
        name: a key of ``reproduce.REPORTS``.
        testbed: one of ``testbeds.TESTBEDS``.
        num_seeds: runs per row, at least 1.
        runs_dir: folder of the runs.
        train: train the runs that are missing; otherwise their cells say that they are missing.
        output: Markdown file to write, with a JSON file next to it; None only returns the text.
        epochs: of phase 1 at the points of the learning curves, ascending.
        opts: ``KEY VALUE ...`` for every run.

    Raises:
        UserError: a value cannot be used, or the package is installed without its repository.
    """

    name: str
    testbed: str
    num_seeds: int = 1
    runs_dir: Path
    train: bool = False
    output: Path | None = None
    epochs: tuple[int, ...] = CURVE_EPOCHS
    opts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_checkout()
        if self.num_seeds < 1:
            raise UserError(f"--seeds is {self.num_seeds}, must be 1 or more")
        if self.output is not None and self.output.suffix != ".md":
            raise UserError(f"--output {self.output}: the file name must end in .md")
        if not self.epochs or self.epochs[0] < 1 or list(self.epochs) != sorted(set(self.epochs)):
            given = ",".join(map(str, self.epochs))
            raise UserError(f"--epochs is {given!r}; give numbers of 1 or more, ascending: 2,4,8")
        if self.name != FINAL and any(UNSEEN in word for word in self.opts):
            raise UserError(
                f"{UNSEEN} is the test set of `{FINAL}` alone: what is chosen on it is no longer "
                f"unseen; choose on {SHIFTED}"
            )

    def command(self) -> str:
        """Return the command line that makes the report, training included."""
        words = ["python", "tools/reproduce.py", self.name, "--testbed", self.testbed]
        words += ["--seeds", str(self.num_seeds), "--train"]
        words += ["--epochs", ",".join(map(str, self.epochs))] if self.name == CURVES else []
        words += self.opts
        return shlex.join(words)

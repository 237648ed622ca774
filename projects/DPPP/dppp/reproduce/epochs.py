"""Other lengths of a run: the epochs of its phases, and the learning rate steps to match."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..config import load_config
from ..errors import UserError


def with_epochs(config: Path, opts: Sequence[str], first: int, second: int) -> list[str]:
    """Return settings that give phase 1 ``first`` epochs and phase 2 ``second``.

    The steps are moved to the same share of phase 1. One that acts in the config still acts.

    Raises:
        UserError: the config's own phase 1 has no epoch.
    """
    solver = load_config(str(config), list(opts)).SOLVER
    own = phase_epochs(config, opts)[0]
    steps = []
    for step in solver.STEPS:
        moved = round(step * first / own)
        steps.append(max(min(moved, first - 1), 1) if step < own else moved)
    return ["SOLVER.PHASE_EPOCHS", f"({first}, {second})", "SOLVER.STEPS", str(steps)]


def epochs_of_both_phases(config: Path, opts: Sequence[str]) -> list[str]:
    """Return settings that give phase 1 the epochs of both, with its learning rate steps scaled."""
    return with_epochs(config, opts, sum(phase_epochs(config, opts)), 0)


def phase_epochs(config: Path, opts: Sequence[str]) -> tuple[int, int]:
    """Return the epochs of phases 1 and 2.

    Raises:
        UserError: phase 1 has no epoch, so there is nothing to compare.
    """
    first, second = load_config(str(config), list(opts)).SOLVER.PHASE_EPOCHS
    if first < 1:
        raise UserError(f"SOLVER.PHASE_EPOCHS is {(first, second)}; phase 1 needs an epoch or more")
    return first, second

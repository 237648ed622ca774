"""Longer and shorter runs keep the shape of their schedule."""

import pytest

from dppp import UserError
from dppp.config import load_config
from dppp.reproduce.epochs import epochs_of_both_phases, with_epochs
from helpers import DPPP_CONFIGS

CONFIG = DPPP_CONFIGS / "testbed.yml"


def schedule(opts: list[str]) -> tuple[tuple[int, int], list[int]]:
    solver = load_config(str(CONFIG), opts).SOLVER
    return tuple(solver.PHASE_EPOCHS), list(solver.STEPS)


def opts(epochs: tuple[int, int], steps: list[int]) -> list[str]:
    return ["SOLVER.PHASE_EPOCHS", str(epochs), "SOLVER.STEPS", str(steps)]


@pytest.mark.parametrize(
    ("own", "first", "expected"),
    [
        (opts((4, 3), [3]), 16, [12]),
        (opts((4, 3), [3]), 2, [1]),  # 1.5 rounds to 2, which would never act
        (opts((20, 20), [15, 20]), 40, [30, 40]),
        (opts((20, 20), [15, 20]), 10, [8, 10]),  # 20 does not act, nor does 10
        (opts((4, 3), [3]), 1, [1]),
    ],
)
def test_steps_keep_their_share(own: list[str], first: int, expected: list[int]) -> None:
    assert schedule([*own, *with_epochs(CONFIG, own, first, 3)]) == ((first, 3), expected)


def test_the_epochs_of_both_phases() -> None:
    own = opts((4, 2), [4])
    assert schedule([*own, *epochs_of_both_phases(CONFIG, own)]) == ((6, 0), [6])


def test_a_phase_1_without_epochs() -> None:
    with pytest.raises(UserError, match=r"PHASE_EPOCHS is \(0, 3\); phase 1 needs an epoch"):
        with_epochs(CONFIG, opts((0, 3), []), 2, 3)

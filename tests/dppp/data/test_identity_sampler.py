"""Batches of P identities with K images, as FastReID draws them, in another order."""

from collections import Counter
from itertools import chain, islice

import pytest
from fastreid.data.samplers import NaiveIdentitySampler
from fastreid.utils import comm

from dppp.data.identity_sampler import IdentitySampler

P, K = 3, 2
IMAGES = [1, 2, 3, 4, 5, 6, 6]  # of each identity
ITEMS = [("", pid, 0) for pid, count in enumerate(IMAGES) for _ in range(count)]
PIDS = [pid for _, pid, _ in ITEMS]


def batches(kind: type[NaiveIdentitySampler], seed: int, number: int) -> list[list[int]]:
    indices = iter(kind(ITEMS, P * K, K, seed=seed))
    return [list(islice(indices, P * K)) for _ in range(number)]


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_has_different_identities_and_a_pass_no_image_twice(seed: int) -> None:
    drawn = batches(IdentitySampler, seed, 3)  # every pass has three or more
    for batch in drawn:
        assert sorted(Counter(PIDS[index] for index in batch).values()) == [K] * P
    repeated = {index for index, n in Counter(chain(*drawn)).items() if n > 1}
    assert {PIDS[index] for index in repeated} <= {0}  # the one with fewer than K images


def test_identities_are_drawn_as_often_as_by_fastreid() -> None:
    def shares(kind: type[NaiveIdentitySampler], number: int) -> list[float]:
        """Share of the batches, the ``number``-th of each seed, that have each identity."""
        seen = Counter(
            pid for seed in range(2000) for pid in {PIDS[i] for i in batches(kind, seed, 4)[number]}
        )
        return [seen[pid] / 2000 for pid in range(len(IMAGES))]

    for number in (0, 1, 3):
        ours, theirs = shares(IdentitySampler, number), shares(NaiveIdentitySampler, number)
        assert ours == pytest.approx(theirs, abs=0.06)


def test_processes_share_a_batch_as_with_fastreid(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of rank r takes every other index from the r-th on: identities of its own."""
    monkeypatch.setattr(comm, "get_world_size", lambda: 2)
    by_rank = []
    for rank in range(2):
        monkeypatch.setattr(comm, "get_rank", lambda rank=rank: rank)
        by_rank.append(batches(IdentitySampler, 0, 5))
    for one, other in zip(*by_rank, strict=True):
        for mine in (one, other):
            assert sorted(Counter(PIDS[index] for index in mine).values()) == [K] * P
        assert len({PIDS[index] for index in one + other}) == 2 * P


def test_the_next_pass_has_another_order_and_the_same_seed_the_same() -> None:
    assert batches(IdentitySampler, 5, 12) == batches(IdentitySampler, 5, 12)
    assert batches(IdentitySampler, 5, 12) != batches(IdentitySampler, 6, 12)
    indices = iter(IdentitySampler([("", pid, 0) for pid in range(40)], 40, 1, seed=0))
    first, second = list(islice(indices, 40)), list(islice(indices, 40))
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second

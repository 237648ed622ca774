"""Batches of an anchor and its nearest identities: who, which images, and in which process."""

from collections import Counter
from itertools import chain, islice

import pytest
import torch
from fastreid.utils import comm

from dppp.data import hard_identity_sampler
from dppp.data.hard_identity_sampler import HardBatches, HardIdentitySampler, nearest_identities

N, P, K = 6, 3, 4
# Identity 0 has two images, 1 five, the others nine; image i of one is from camera i mod 3.
ITEMS = [
    ("", f"toy_{pid}", f"camera {image % 3}")
    for pid, count in enumerate([2, 5, 9, 9, 9, 9])
    for image in range(count)
]
PIDS = [int(label[-1]) for _, label, _ in ITEMS]
NEAREST = [[0, 3, 1], [1, 2, 0], [2, 5, 4], [3, 4, 5], [4, 2, 1], [5, 0, 3]]


def batches(seed: int, number: int, world_size: int = 1) -> list[list[int]]:
    mini_batch = P * K // world_size
    sampler = HardIdentitySampler(ITEMS, mini_batch, K, nearest=NEAREST, seed=seed)
    indices = iter(sampler)
    return [list(islice(indices, mini_batch)) for _ in range(number)]


def test_nearest_by_cosine_with_itself_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hard_identity_sampler, "_BLOCK", 3)
    features = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    for anchor, row in enumerate(nearest_identities(features, 4)):
        others = [i for i in range(8) if i != anchor]
        cosine = torch.cosine_similarity(features[anchor], features, dim=1)
        assert row == [anchor, *sorted(others, key=lambda i: -cosine[i])[:3]]
    features[6] = 2 * features[1]  # the same direction: as similar to 1 as 1 itself
    found = nearest_identities(features, 2)
    assert (found[1], found[6]) == ([1, 6], [6, 1])


@pytest.mark.parametrize("seed", range(5))
def test_every_identity_is_the_anchor_once_in_a_pass(seed: int) -> None:
    drawn = batches(seed, 2 * N)
    anchors = []
    for batch in drawn:
        pids = [PIDS[index] for index in batch]
        assert pids[::K] in NEAREST
        assert [pid for pid in pids[::K] for _ in range(K)] == pids
        anchors.append(pids[0])
    assert sorted(anchors[:N]) == sorted(anchors[N:]) == list(range(N))
    assert anchors[:N] != anchors[N:]
    assert batches(seed, 2 * N) == drawn
    assert batches(seed + 100, 2 * N) != drawn


def test_images_are_of_all_cameras_in_turn_and_repeat_only_if_they_must() -> None:
    seen: dict[int, list[list[int]]] = {pid: [] for pid in range(N)}
    for batch in batches(0, 50):
        for start in range(0, P * K, K):
            group = batch[start : start + K]
            seen[PIDS[group[0]]].append(group)
    assert all(sorted(Counter(group).values()) == [2, 2] for group in seen[0])  # it has two images
    assert all(len(set(group)) == K for pid in range(1, N) for group in seen[pid])
    for pid in range(2, N):  # nine images: two groups of four in a pass
        for first, second in zip(seen[pid][::2], seen[pid][1::2], strict=False):
            assert not set(first) & set(second)
            for group in (first, second):
                cameras = Counter(ITEMS[index][2] for index in group)
                assert sorted(cameras.values()) == [1, 1, 2]
        assert set(chain(*seen[pid])) == {i for i, other in enumerate(PIDS) if other == pid}


def test_processes_share_the_batches_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = batches(3, 10)
    monkeypatch.setattr(comm, "get_world_size", lambda: 3)
    by_rank = []
    for rank in range(3):
        monkeypatch.setattr(comm, "get_rank", lambda rank=rank: rank)
        by_rank.append(batches(3, 10, world_size=3))
    assert [list(chain(*parts)) for parts in zip(*by_rank, strict=True)] == whole


def test_an_epoch_ends_and_follows_what_it_was_told() -> None:
    made = HardBatches(ITEMS, num_batches=3, batch_size=P * K, num_instances=K, seed=7)
    chosen = []
    for place in ((1, 0), (1, 1), (2, 0)):
        made.start_at(*place)
        chosen.append(made.representatives())
        assert [PIDS[index] for index in chosen[-1]] == list(range(N))
        assert made.representatives() == chosen[-1]
    assert len(set(map(tuple, chosen))) == 3

    made.start_at(1, 1)
    made.follow(NEAREST)
    epoch = list(made)
    assert len(epoch) == 3
    assert epoch == list(made)
    for batch in epoch:
        assert [PIDS[index] for index, _ in batch[::K]] in NEAREST
    made.follow([row[::-1] for row in NEAREST])
    assert [PIDS[index] for index, _ in next(iter(made))[::K]][::-1] in NEAREST

"""Hard batches: an anchor identity, and those that the present model takes for it most easily.

| letter | meaning |
| ------ | ------- |
| N      | training identities, in the order of their sorted labels |
| P      | identities of a batch of all processes |
| K      | images of each: DATALOADER.NUM_INSTANCE |
| d      | width of a feature |

Mining identities by the model that is being trained is DSM-CLIP's way (github.com/xty-11/DSM-CLIP).
Its distance also has the texts' share; ours is that of the images alone.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from fastreid.data.samplers import NaiveIdentitySampler
from fastreid.data.samplers.triplet_sampler import reorder_index
from torch import Tensor
from typing_extensions import override

from .sampling import EpochBatches, derive_seeds

_BLOCK = 1024  # identities compared with all others at once


def nearest_identities(features: Tensor, count: int) -> list[list[int]]:
    """Return each identity and those most similar to it, itself first and then by cosine.

    Args:
        features: (N, d), one of each identity, of any scale.
        count: P, at most N.

    Returns:
        N lists of P numbers of identities.
    """
    unit = F.normalize(features.float(), dim=1)
    nearest: list[list[int]] = []
    for start in range(0, len(unit), _BLOCK):
        similarity = unit[start : start + _BLOCK] @ unit.T
        row = torch.arange(len(similarity))
        similarity[row, start + row] = torch.inf  # a double must not take the anchor's place
        nearest += similarity.topk(count).indices.tolist()
    return nearest


class HardIdentitySampler(NaiveIdentitySampler):
    """Batches of an anchor and its P - 1 nearest identities, each with K images, cameras in turn.

    Each identity is the anchor once in a pass, in random order. Processes share a batch as with
    FastReID's samplers: each gets whole identities.

    Args:
        items: FastReID's (path, label, camera) of each image.
        mini_batch_size: images in a batch of one process.
        num_instances: K.
        nearest: what ``nearest_identities`` returned.
        seed: of everything that is random.
    """

    def __init__(
        self,
        items: Sequence[tuple],
        mini_batch_size: int,
        num_instances: int,
        *,
        nearest: list[list[int]],
        seed: int,
    ) -> None:
        super().__init__(items, mini_batch_size, num_instances, seed=seed)
        self._nearest = nearest

    @override
    def _infinite_indices(self) -> Iterator[int]:
        rng = random.Random(self._seed)
        groups = [self._groups(self.pid_index[pid], rng) for pid in self.pids]
        while True:
            for anchor in rng.sample(range(len(groups)), len(groups)):
                batch = [index for near in self._nearest[anchor] for index in next(groups[near])]
                yield from reorder_index(batch, self._world_size)

    def _groups(self, images: list[int], rng: random.Random) -> Iterator[list[int]]:
        """Yield K images of an identity at a time, none twice in a pass unless it has fewer."""
        number = self.num_instances
        while True:
            order = self._in_turn(images, rng)
            if len(order) < number:
                order = list(itertools.islice(itertools.cycle(order), number))
            for start in range(0, len(order) - number + 1, number):
                yield order[start : start + number]

    def _in_turn(self, images: list[int], rng: random.Random) -> list[int]:
        """Return the images in random order, but one of each camera before the next of any."""
        by_camera = defaultdict(list)
        for index in rng.sample(images, len(images)):
            by_camera[self.data_source[index][2]].append(index)
        turns = itertools.zip_longest(*by_camera.values())
        return [index for turn in turns for index in turn if index is not None]


class HardBatches(EpochBatches):
    """Batches of ``HardIdentitySampler``, which end with the epoch.

    For each epoch: ``start_at``, then ``follow`` with what is near among the ``representatives``.

    Args:
        items: FastReID's (path, label, camera) of each image.
        num_batches: batches in an epoch.
        batch_size: images in a batch of this process.
        num_instances: K.
        seed: the run's.
    """

    follows_model = True

    def __init__(
        self,
        items: Sequence[tuple],
        *,
        num_batches: int,
        batch_size: int,
        num_instances: int,
        seed: int,
    ) -> None:
        def make_sampler(seed: int) -> HardIdentitySampler:
            return HardIdentitySampler(
                items, batch_size, num_instances, nearest=self._nearest, seed=seed
            )

        super().__init__(make_sampler, num_batches, batch_size, seed)
        self._by_identity: dict[str, list[int]] = defaultdict(list)
        for index, item in enumerate(items):
            self._by_identity[item[1]].append(index)

    def representatives(self) -> list[int]:
        """Return a random image of each identity, the same in all processes, new in each epoch."""
        _, seed = derive_seeds(self._seed, self._phase, self._epoch, count=2)  # the first: order
        rng = random.Random(seed)
        return [rng.choice(self._by_identity[label]) for label in sorted(self._by_identity)]

    def follow(self, nearest: list[list[int]]) -> None:
        """Take what is near in this epoch, from ``nearest_identities``."""
        self._nearest = nearest

    @override
    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        yield from self._batches(self._epoch)

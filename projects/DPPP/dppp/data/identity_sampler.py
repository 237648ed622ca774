"""FastReID's NaiveIdentitySampler, in time that is linear in images and identities."""

import random
from collections.abc import Iterator

from fastreid.data.samplers import NaiveIdentitySampler
from fastreid.data.samplers.triplet_sampler import reorder_index
from typing_extensions import override


class IdentitySampler(NaiveIdentitySampler):
    """Batches of P identities with K images each: each image at most once in a pass over the set.

    Batches of one process have FastReID's distribution, but another order: FastReID permutes the
    list of all identities for each batch, which takes over a minute for one epoch of 100,000
    identities.
    """

    @override
    def _infinite_indices(self) -> Iterator[int]:
        rng = random.Random(self._seed)
        while True:
            yield from self._one_pass(rng)

    def _one_pass(self, rng: random.Random) -> Iterator[int]:
        """Yield batches of all processes, until too few identities for one have images left.

        FastReID draws for one process after the other, so one batch may have a person twice.
        """
        left = [self._groups(self.pid_index[pid], rng) for pid in self.pids]
        num_pids = self.batch_size // self.num_instances  # of all processes together
        while len(left) >= num_pids:
            chosen = rng.sample(range(len(left)), num_pids)
            batch = [index for place in chosen for index in left[place].pop()]
            for place in sorted(chosen, reverse=True):
                if not left[place]:  # the last identity takes the place
                    left[place] = left[-1]
                    left.pop()
            yield from reorder_index(batch, self._world_size)

    def _groups(self, images: list[int], rng: random.Random) -> list[list[int]]:
        """Return an identity's images in random groups of K; one with fewer than K repeats some."""
        number = self.num_instances
        if len(images) < number:
            return [rng.choices(images, k=number)]
        order = rng.sample(images, len(images))
        starts = range(0, len(order) - number + 1, number)
        return [order[start : start + number] for start in starts]

"""Independent random streams by name, so that no draw depends on the order of the work."""

from __future__ import annotations

import zlib

import numpy as np


def rng(seed: int, *keys: int | str) -> np.random.Generator:
    """Open the random stream that belongs to a seed and a path of keys.

    Streams of different paths are independent; the same path always gives the same stream, in
    every process and whatever was drawn before. ``rng(0, "a", 12)`` and ``rng(0, "b", 12)`` differ.

    Args:
        seed: non-negative integer, the configuration's ``SEED``.
        *keys: names (hashed with crc32, which is stable between runs; ``hash`` is not) or
            non-negative integers such as an identity's index or a cell.

    Returns:
        A new generator, not shared.
    """
    words = [zlib.crc32(key.encode()) if isinstance(key, str) else int(key) for key in keys]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))

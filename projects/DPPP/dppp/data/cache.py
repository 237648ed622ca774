"""Decoded images in memory that the worker processes share: each file is read once in a run."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from fastreid.utils import comm
from PIL import Image

from ..errors import UserError
from ..log import logger
from .images import num_pixels, read_image

CACHES = ("", "ram")
_SHARE = 0.8  # of the free memory; the rest is for the run itself
_CHANNELS = 3


def choose_reader(cache: str, paths: Sequence[str]) -> Callable[[str], Image.Image]:
    """Return what reads the images: files each time, or decoded ones if that is asked for.

    Args:
        cache: DATALOADER.CACHE. Images that do not fit are read from files, with a warning.
        paths: all images that will be read.

    Raises:
        UserError: no such cache, or an image cannot be read.
    """
    if cache not in CACHES:
        raise UserError(f'DATALOADER.CACHE is {cache!r}; allowed: "" and ram')
    if not cache:
        return read_image
    paths = list(dict.fromkeys(paths))
    num_bytes = [_CHANNELS * num_pixels(path) for path in paths]
    processes = comm.get_local_size()  # each has a cache of its own
    needed = sum(num_bytes) * processes
    facts = f"DATALOADER.CACHE ram: {len(paths)} images, {needed / 1e6:,.0f} MB decoded"
    if processes > 1:
        facts += f" in {processes} processes"
    room = _SHARE * free_memory()
    if needed > room:
        logger.warning(
            "%s, do not fit in %s MB; read from files instead", facts, f"{room / 1e6:,.0f}"
        )
        return read_image
    logger.info("%s, fit in %s MB", facts, f"{room / 1e6:,.0f}")
    return DecodedImages(paths, num_bytes)


class DecodedImages:
    """Reads images from memory.

    Args:
        paths: the files, each once.
        num_bytes: of each, decoded.

    Raises:
        UserError: one of them cannot be read.
    """

    def __init__(self, paths: Sequence[str], num_bytes: Sequence[int]) -> None:
        # One tensor: torch hands it to workers without a copy, however they are started.
        self._pixels = torch.empty(sum(num_bytes), dtype=torch.uint8)
        starts = np.cumsum([0, *num_bytes[:-1]]).tolist()
        with ThreadPoolExecutor() as pool:  # Pillow decodes without Python's lock
            sizes = pool.map(self._decode, paths, starts)
            self._places = dict(zip(paths, zip(starts, sizes, strict=True), strict=True))

    def __call__(self, path: str) -> Image.Image:
        """Return an image, as ``read_image`` does."""
        return Image.fromarray(self._slot(*self._places[path]))

    def _decode(self, path: str, start: int) -> tuple[int, int]:
        pixels = np.asarray(read_image(path))
        height, width, _ = pixels.shape
        self._slot(start, (height, width))[:] = pixels
        return height, width

    def _slot(self, start: int, size: tuple[int, int]) -> np.ndarray:
        height, width = size
        stop = start + height * width * _CHANNELS
        return self._pixels[start:stop].numpy().reshape(height, width, _CHANNELS)


def free_memory() -> int:
    """Return the bytes that the machine, or the container, still has."""
    meminfo = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = 1024 * int(meminfo["MemAvailable"].split()[0])
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free
    return min(free, limit - int(used["anon"]) - int(used["shmem"]))

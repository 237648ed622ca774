"""Python's garbage collector, out of the way of imports."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Collect no garbage during the block.

    Importing torch and what is around it makes hundreds of thousands of objects, and nearly all
    stay. Python looks through them again and again, for a fifth of the time of these imports.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.unfreeze()  # all objects are of the oldest generation now, not of the youngest
            gc.enable()

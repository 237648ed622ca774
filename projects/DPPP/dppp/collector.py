"""Python's garbage collector, out of the way of imports."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Collect no garbage during the block.

    Importing torch and what is around it makes millions of objects, all of which stay. Python looks
    through them again and again, for a fifth of the time that the imports take.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()

"""How many processes load images."""

import os

from fastreid.utils import comm

from ..errors import UserError

FROM_MACHINE = -1
_MOST = 8  # docs/performance.md estimates what they bring


def count_workers(wanted: int) -> int:
    """Return the number of worker processes; 0: images are loaded between the steps.

    Args:
        wanted: DATALOADER.NUM_WORKERS; -1 takes this process's share of the cores, 1 to 8.

    Raises:
        UserError: less than -1.
    """
    if wanted < FROM_MACHINE:
        raise UserError(
            f"DATALOADER.NUM_WORKERS is {wanted}; 0 or more, or -1 for what the machine has"
        )
    if wanted != FROM_MACHINE:
        return wanted
    cores = len(os.sched_getaffinity(0)) // comm.get_local_size()
    return min(max(cores, 1), _MOST)

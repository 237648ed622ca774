"""How far a build is, and when to stop because nothing is accepted."""

from __future__ import annotations

import time
from collections import Counter

from tqdm import tqdm

from ..dataset import layout
from ..errors import UserError
from .staging import Record

MAX_REJECTED_IN_A_ROW = 50  # more mean that the settings are wrong, not the candidates


class Progress:
    """Counts candidates and shows a bar.

    Args:
        accepted: candidates that are on disk.
        needed: how many the build ends with.
    """

    def __init__(self, accepted: int, needed: int) -> None:
        self.num_accepted = accepted
        self._bar = tqdm(total=needed, initial=accepted, unit="identity", desc="geneperson")
        self._num_images = 0
        self._start = time.monotonic()
        self._rejected: list[Record] = []  # in a row

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def count(self, record: Record, *, is_new: bool) -> None:
        """Count the next candidate.

        Args:
            record: what became of it.
            is_new: whether it was drawn now.

        Raises:
            UserError: too many in a row were rejected.
        """
        if not record.images:
            self._rejected.append(record)
            self._refuse_endless_rejection()
            return
        self._rejected.clear()
        self.num_accepted += 1
        self._num_images += len(record.images) * is_new
        rate = self._num_images / (time.monotonic() - self._start)
        self._bar.set_postfix_str(f"{rate:.3g} images/s", refresh=False)
        self._bar.update()

    def _refuse_endless_rejection(self) -> None:
        number = len(self._rejected)
        if number < MAX_REJECTED_IN_A_ROW:
            return
        reasons = Counter(why for record in self._rejected for why in record.rejected.values())
        listed = ", ".join(f"{reason} {cells}" for reason, cells in reasons.most_common())
        raise UserError(
            f"{number} candidates in a row were rejected (cells: {listed}); "
            f"loosen the limits of QUALITY, and delete the folder {layout.STAGING} in the output"
        )

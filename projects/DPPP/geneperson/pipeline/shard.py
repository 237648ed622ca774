"""A part of a build, for the job arrays of a cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UserError


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Every ``count``-th batch of identities, from the one that is numbered ``number``, from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read "2/8", the second of eight.

        Raises:
            UserError: not of this form, or no such shard.
        """
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        number, count = map(int, match.groups()) if match else (0, 0)
        if not 1 <= number <= count:
            raise UserError(f"--shard is {text!r}, must be I/N, such as 1/8, with I from 1 to N")
        return cls(number=number, count=count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def owns(self, batch: int) -> bool:
        """Return whether a batch of identities, numbered from 0, belongs to this shard."""
        return batch % self.count == self.number - 1

    def share(self, total: int) -> int:
        """Return how many of ``total`` identities this shard is to provide."""
        return -(-total // self.count)

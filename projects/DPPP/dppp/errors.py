"""Mistakes of a user, reported in one line."""

import re

_CLASS_NAME = re.compile(r"^dppp\.errors\.\w+: ")


class UserError(ValueError):
    """A user's mistake. The message is one line: what is wrong, where, and what to do."""


class DataNotFoundError(UserError):
    """The files of a known data set are missing; a run may still make sense without them."""


def one_line(error: BaseException) -> str:
    """Return the message of ``error`` alone.

    A data loader's worker process passes an exception on as the text of its traceback, whose last
    line is the message.
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return _CLASS_NAME.sub("", lines[-1])

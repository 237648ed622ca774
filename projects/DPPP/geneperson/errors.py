"""The one exception that means: the user can fix this."""

from __future__ import annotations


class UserError(ValueError):
    """A mistake in what the user gave (file, key, value, folder, disk).

    The message is one line: what is wrong, where, and what to do. The command line prints it as
    ``error: ...`` and exits with status 2, without a traceback.
    """

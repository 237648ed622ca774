"""What all command lines share: mistakes in one line with status 2, Ctrl-C with status 130."""

import argparse
import io
import sys
from collections.abc import Callable
from typing import NoReturn

from .errors import UserError, one_line

INTERRUPTED = 130
_LOST_WORKER = "DataLoader worker (pid"  # how torch's message begins


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other mistake: in one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as a UserError."""
        raise UserError(f"{message}; see {self.prog} --help")


def run(main: Callable[[list[str]], int], stopped: str) -> NoReturn:
    """Call ``main`` with the process's arguments and exit with its status.

    Args:
        main: takes the arguments, returns the exit status.
        stopped: what to say after Ctrl-C.
    """
    sys.exit(status_of(lambda: main(sys.argv[1:]), stopped))


def status_of(action: Callable[[], int], stopped: str) -> int:
    """Return the exit status of ``action``, with one line on stderr for what stopped it.

    Args:
        action: returns its own exit status.
        stopped: what to say after Ctrl-C.

    Returns:
        That status; 2 after a user's mistake, 1 if a number is not finite or a process that loads
        data was killed, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file may have any name
    try:
        return action()
    except (UserError, OSError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2
    except FloatingPointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except RuntimeError as error:  # torch raises it wherever the program is at that moment
        if not str(error).startswith(_LOST_WORKER):
            raise
        hint = "if memory ran out, lower DATALOADER.NUM_WORKERS"
        print(f"error: {one_line(error)} {hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return INTERRUPTED

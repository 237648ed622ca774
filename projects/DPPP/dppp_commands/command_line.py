"""What all command lines share: mistakes in one line with status 2, Ctrl-C with status 130."""

import argparse
import io
import sys
from collections.abc import Callable
from typing import NoReturn

MISTAKE = 2
INTERRUPTED = 130
_LOST_WORKER = "DataLoader worker (pid"  # how torch's message begins


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other mistake: in one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit."""
        self.exit(MISTAKE, f"error: {message}; see {self.prog} --help\n")


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
        action: imports what it needs, and returns its own exit status.
        stopped: what to say after Ctrl-C.

    Returns:
        That status; 2 after a user's mistake or without fastreid, 1 if a number is not finite or a
        process that loads data was killed, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file may have any name
    try:
        return action()
    except ImportError as error:
        if error.name != "fastreid":
            raise
        return _report(f"error: {error}", MISTAKE)
    except (OSError, ValueError) as error:
        from dppp.errors import UserError, one_line  # imported before by what raised the error

        if not isinstance(error, (OSError, UserError)):
            raise
        return _report(f"error: {one_line(error)}", MISTAKE)
    except FloatingPointError as error:
        return _report(f"error: {error}", 1)
    except RuntimeError as error:  # torch raises it wherever the program is at that moment
        if not str(error).startswith(_LOST_WORKER):
            raise
        hint = "if memory ran out, lower DATALOADER.NUM_WORKERS"
        return _report(f"error: {' '.join(str(error).split())} {hint}", 1)
    except KeyboardInterrupt:
        return _report(stopped, INTERRUPTED)


def _report(line: str, status: int) -> int:
    print(line, file=sys.stderr)
    return status

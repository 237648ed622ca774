"""What all command lines share: mistakes in one line with status 2, Ctrl-C with status 130."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from .errors import UserError, one_line

INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other mistake: in one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def run(main: Callable[[list[str]], int], stopped: str) -> NoReturn:
    """Leave with the status of ``main``; a mistake is one line and status 2.

    Args:
        stopped: what to say after Ctrl-C.
    """
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be anything
    sys.stderr.reconfigure(errors="backslashreplace")
    try:
        status = main(sys.argv[1:])
    except (UserError, OSError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        status = INTERRUPTED
    sys.exit(status)

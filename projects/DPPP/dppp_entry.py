"""Where the ``dppp-*`` commands start: without fastreid they end in one line, not in a traceback.

It is outside the package because ``import dppp`` itself needs fastreid.
"""

import importlib
import sys
from functools import partial


def start(name: str) -> None:
    """Run the command ``dppp.commands.<name>``; exits with its status."""
    try:
        command = importlib.import_module(f"dppp.commands.{name}")
    except ImportError as error:
        if error.name != "fastreid":
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    command.entry()


train = partial(start, "train")
extract = partial(start, "extract")
search = partial(start, "search")
visualize = partial(start, "visualize")
export = partial(start, "export")
validate = partial(start, "validate")
reproduce = partial(start, "reproduce")

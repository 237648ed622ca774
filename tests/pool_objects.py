"""Objects for pools of processes; a spawned process must be able to import them."""

import os
import time
from pathlib import Path


class Quitter:
    """Its process dies when it is called."""

    def quit(self) -> None:
        os._exit(9)


class Environment:
    """Tells a variable of its process."""

    def __init__(self, folder: Path, cargo: bytes = b"") -> None:
        self._folder = folder
        self._cargo = cargo

    def who(self, number: int) -> str:
        """Answer when both questions were taken: by two processes then, however slow they start."""
        (self._folder / str(number)).touch()
        while len(list(self._folder.iterdir())) < 2:
            time.sleep(0.01)
        return os.environ["WHO"]

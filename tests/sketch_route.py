"""A route that the package does not know; worker processes have to be able to import it."""

from __future__ import annotations

from typing import ClassVar

from geneperson.synthesis.procedural.route import ProceduralRoute


class SketchRoute(ProceduralRoute):
    """The procedural pictures, drawn like a model's: in one process and in batches."""

    name: ClassVar[str] = "sketch"
    note: ClassVar[str] = "The pictures are sketches."
    draws_in_workers: ClassVar[bool] = False
    batch_size: ClassVar[int] = 2

    def software(self) -> dict[str, str]:
        """Return the version of a package that only this route uses."""
        return {"pencil": "2B"}

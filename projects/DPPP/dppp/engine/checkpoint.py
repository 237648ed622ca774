"""Checkpoints that are written whole or not at all, and load without running code."""

import os
from typing import Any

import torch
from fastreid.utils.checkpoint import Checkpointer

from ..errors import UserError
from ..files import whole_file
from ..modeling.checkpoints import read_checkpoint, require_checkpoint
from ..modeling.interface import ReIDModel


class AtomicCheckpointer(Checkpointer):
    """FastReID's checkpointer, but it writes to a temporary name and renames."""

    model: ReIDModel

    def save(self, name: str, **kwargs: object) -> None:
        """Write ``name``.pth with the model, everything checkpointable, and ``kwargs``."""
        if not self.save_dir or not self.save_to_disk:
            return
        data: dict[str, Any] = {"model": self.model.checkpoint_state()}
        facts = self.model.describe_architecture()
        if facts is not None:
            data["architecture"] = facts
        data.update({key: part.state_dict() for key, part in self.checkpointables.items()})
        data.update(kwargs)
        self._write(name, data)
        self.tag_last_checkpoint(f"{name}.pth")

    def save_for_inference(self) -> None:
        """Write model_inference.pth, with what inference needs, if the model can say what it is."""
        facts = self.model.describe_architecture(inference_only=True)
        if self.save_to_disk and facts is not None:
            state = {"model": self.model.inference_state(), "architecture": facts}
            self._write("model_inference", state)

    def _write(self, name: str, data: dict[str, Any]) -> None:
        path = os.path.join(self.save_dir, f"{name}.pth")
        self.logger.info("Saving checkpoint to %s", path)
        with whole_file(path) as temporary:
            torch.save(data, temporary)

    def tag_last_checkpoint(self, last_filename_basename: str) -> None:
        """Write the name of the checkpoint that --resume takes."""
        with whole_file(os.path.join(self.save_dir, "last_checkpoint")) as temporary:
            temporary.write_text(last_filename_basename)

    def peek(self, path: str) -> dict[str, Any]:
        """Return the content of a checkpoint of one of our runs, its tensors left on the disk."""
        saved = read_checkpoint(path, device="meta")
        if "trainer" not in saved:
            raise UserError(f"--resume: {path} was not written by dppp-train")
        return saved

    def load(self, path: str, checkpointables: list[str] | None = None) -> dict[str, Any]:
        """Load the weights of a checkpoint, and the state of ``checkpointables`` (None: all).

        Raises:
            UserError: it is missing, cannot be read, or does not fit the model.
        """
        if path:
            require_checkpoint(path)
        self._path = path
        return super().load(path, checkpointables)

    def _load_model(self, checkpoint: dict[str, Any]) -> Any:
        facts = checkpoint.pop("architecture", None)
        try:
            self.model.adapt_state(facts, checkpoint["model"])
        except UserError as error:
            raise UserError(f"checkpoint {self._path}: {error}") from None
        incompatible = super()._load_model(checkpoint)
        if facts is not None and facts["inference_only"]:
            return None  # what is missing is meant to be missing
        return incompatible

    def _load_file(self, path: str) -> dict[str, Any]:
        return read_checkpoint(path)

"""Checkpoints that are whole or not there, and load without running code."""

import os
import pickle

import torch
from fastreid.utils.checkpoint import Checkpointer

from ..errors import UserError


class AtomicCheckpointer(Checkpointer):
    """FastReID's checkpointer, that writes to a temporary name and renames."""

    def save(self, name: str, **kwargs) -> None:
        """Write ``name``.pth with the model, everything checkpointable, and ``kwargs``."""
        if not self.save_dir or not self.save_to_disk:
            return
        data = {"model": self.model.state_dict()}
        data.update({key: part.state_dict() for key, part in self.checkpointables.items()})
        data.update(kwargs)
        path = os.path.join(self.save_dir, f"{name}.pth")
        self.logger.info("Saving checkpoint to %s", path)
        torch.save(data, f"{path}.tmp")
        os.replace(f"{path}.tmp", path)
        self.tag_last_checkpoint(f"{name}.pth")

    def tag_last_checkpoint(self, last_filename_basename: str) -> None:
        path = os.path.join(self.save_dir, "last_checkpoint")
        with open(f"{path}.tmp", "w") as file:
            file.write(last_filename_basename)
        os.replace(f"{path}.tmp", path)

    def load(self, path: str, checkpointables: list[str] | None = None) -> dict:
        if path and not os.path.isfile(path):
            raise UserError(
                f"checkpoint {path}: no such file (MODEL.WEIGHTS, or the folder of --resume)"
            )
        return super().load(path, checkpointables)

    def _load_file(self, path: str) -> dict:
        try:
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(f"checkpoint {path}: cannot be read ({reason[:120]})") from None
        if not isinstance(checkpoint, dict) or "model" not in checkpoint:
            raise UserError(
                f"checkpoint {path}: has no 'model'; it was not written by a FastReID run"
            )
        return checkpoint

"""Checkpoints that are whole or not there, and load without running code."""

import os

import torch
from fastreid.utils.checkpoint import Checkpointer

from ..errors import UserError
from ..files import read_torch_file, whole_file
from ..modeling.architecture import adapt_state, describe_architecture, inference_state
from ..modeling.clip_dppp import CLIPDPPP


class AtomicCheckpointer(Checkpointer):
    """FastReID's checkpointer, that writes to a temporary name and renames."""

    def save(self, name: str, **kwargs) -> None:
        """Write ``name``.pth with the model, everything checkpointable, and ``kwargs``."""
        if not self.save_dir or not self.save_to_disk:
            return
        data = {"model": self.model.state_dict()}
        if isinstance(self.model, CLIPDPPP):
            data["architecture"] = describe_architecture(self.model)
        data.update({key: part.state_dict() for key, part in self.checkpointables.items()})
        data.update(kwargs)
        self._write(name, data)
        self.tag_last_checkpoint(f"{name}.pth")

    def save_for_inference(self) -> None:
        """Write model_inference.pth: no text tower, no pseudo-words, no optimizer."""
        if self.save_to_disk and isinstance(self.model, CLIPDPPP):
            architecture = describe_architecture(self.model, inference_only=True)
            state = {"model": inference_state(self.model), "architecture": architecture}
            self._write("model_inference", state)

    def _write(self, name: str, data: dict) -> None:
        path = os.path.join(self.save_dir, f"{name}.pth")
        self.logger.info("Saving checkpoint to %s", path)
        with whole_file(path) as temporary:
            torch.save(data, temporary)

    def tag_last_checkpoint(self, last_filename_basename: str) -> None:
        with whole_file(os.path.join(self.save_dir, "last_checkpoint")) as temporary:
            temporary.write_text(last_filename_basename)

    def peek(self, path: str) -> dict:
        """The content of a checkpoint of a run of ours, tensors left on the disk."""
        saved = self._load_file(path, device="meta")
        if "trainer" not in saved:
            raise UserError(
                f"--resume: {path} was not written by tools/train_net.py of this project"
            )
        return saved

    def load(self, path: str, checkpointables: list[str] | None = None) -> dict:
        if path and not os.path.isfile(path):
            raise UserError(
                f"checkpoint {path}: no such file (MODEL.WEIGHTS, or the folder of --resume)"
            )
        return super().load(path, checkpointables)

    def _load_model(self, checkpoint: dict):
        saved = checkpoint.pop("architecture", None)
        if isinstance(self.model, CLIPDPPP):
            if saved is None:
                raise UserError("the checkpoint (MODEL.WEIGHTS) holds no CLIPDPPP model")
            adapt_state(saved, checkpoint["model"], self.model)
        incompatible = super()._load_model(checkpoint)
        if saved is not None and saved["inference_only"]:
            return None  # what is missing is meant to be missing
        return incompatible

    def _load_file(self, path: str, device: str = "cpu") -> dict:
        checkpoint = read_torch_file(path, device)
        if not isinstance(checkpoint, dict) or "model" not in checkpoint:
            raise UserError(
                f"checkpoint {path}: has no 'model'; it was not written by a FastReID run"
            )
        return checkpoint

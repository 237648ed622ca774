"""What training and inference ask of a model.

The answers here are those of a plain model: one phase, everything trains, the whole state is
needed for inference. A meta-architecture that differs derives from ``ReIDModel`` and overrides
what differs; ``build.py`` gives FastReID's own models these answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from fastreid.config import CfgNode
from torch import Tensor, nn

from ..errors import UserError
from .prototype_memory import PrototypeMemory

# The key of a checkpoint's facts that says which model they describe.
META_ARCHITECTURE = "MODEL.META_ARCHITECTURE"


@dataclass(frozen=True, kw_only=True)
class PhasePlan:
    """A phase of a run.

    Attributes:
        name: for logs, tables and file names.
        number: its random numbers depend on it.
        epochs: how long it is.
        needs_weights: whether it goes on with what another phase has trained.
    """

    name: str
    number: int
    epochs: int
    needs_weights: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainedGroup:
    """Parts of a model that train with one learning rate.

    Attributes:
        name: of the optimizer's group; its learning rate is logged as ``lr_<name>``.
        parts: what is optimized.
        is_new: whether SOLVER.HEADS_LR_FACTOR multiplies SOLVER.BASE_LR.
    """

    name: str
    parts: tuple[nn.Module | nn.Parameter, ...]
    is_new: bool = False


class ReIDModel(nn.Module):
    """A meta-architecture: named losses in training, features (B, d1) in evaluation.

    Attributes:
        pixel_mean, pixel_std: buffers (1, 3, 1, 1), 0..255, by which the model normalizes.
        instance_norm: whether it normalizes by each image's own mean and standard deviation
            instead; a model that cannot is refused with INPUT.INSTANCE_NORM.
        has_prototypes: whether it has the loss MODEL.LOSSES.PROTOTYPE; refused with it if not.
        watched: further numbers of the last training step that are worth logging.
        loss_weights: name of a loss -> its weight, for the log.
        phase_keys: config keys that say which phases there are and how long they take; a run can
            be resumed with other values.
    """

    pixel_mean: Tensor
    pixel_std: Tensor
    instance_norm: bool = False
    has_prototypes: bool = False
    watched: Mapping[str, Tensor] = MappingProxyType({})
    loss_weights: Mapping[str, float] = MappingProxyType({})
    phase_keys: ClassVar[tuple[str, ...]] = ("SOLVER.MAX_EPOCH",)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.pixel_mean.device

    @property
    def display_name(self) -> str:
        """The model's name in messages, pictures and exported files."""
        return type(self).__name__

    # --- training ---

    @classmethod
    def check_config(cls, cfg: CfgNode) -> None:
        """Raise a UserError if the model cannot use a value of ``cfg``."""

    @classmethod
    def ignored_keys(cls, cfg: CfgNode) -> list[str]:
        """Return "KEY VALUE" for what was set in ``cfg`` and has no effect on the model."""
        return []

    @classmethod
    def plan_phases(cls, cfg: CfgNode) -> list[PhasePlan]:
        """Return the phases of a run, in order."""
        return [PhasePlan(name="training", number=0, epochs=cfg.SOLVER.MAX_EPOCH)]

    def start_phase(self, number: int) -> None:
        """Freeze everything but what the phase trains."""

    def trained_groups(self) -> list[TrainedGroup] | None:
        """Return what the present phase trains; None for FastReID's grouping of all parameters."""
        return None

    def phase_memory(self) -> PrototypeMemory | None:
        """Return the memory that the present phase starts from all images; None if there is none.

        FastReID's models have none: theirs start from the images of the first batches.
        """
        return None

    def prototype_features(self, batch: dict[str, Tensor]) -> Tensor:
        """Return features (B, d), whose means over the identities start that memory."""
        raise NotImplementedError

    def named_parts(self) -> list[tuple[str, nn.Module]]:
        """Return the parts whose numbers of parameters are logged."""
        return list(self.named_children())

    # --- checkpoints ---

    def describe_architecture(self, *, inference_only: bool = False) -> dict[str, Any] | None:
        """Return the facts that a checkpoint must state to be usable without a config.

        Returns:
            Fact -> value, with META_ARCHITECTURE and ``inference_only`` among them; None if the
            model needs its config. A model with facts also gets a checkpoint for inference alone.
        """
        return None

    @classmethod
    def configure(cls, cfg: CfgNode, facts: Mapping[str, Any]) -> None:
        """Set in ``cfg`` what the facts of a checkpoint say; KeyError if one is missing."""

    def checkpoint_state(self) -> dict[str, Tensor]:
        """Return the weights of a checkpoint; ``adapt_state`` brings back what is left out."""
        return self.state_dict()

    def adapt_state(self, facts: Mapping[str, Any] | None, state: dict[str, Tensor]) -> None:
        """Fit the weights of a checkpoint to this model, in place.

        Args:
            facts: what ``describe_architecture`` returned when the checkpoint was written.
            state: the checkpoint's weights.

        Raises:
            UserError: the checkpoint is of another model. The message continues the words
                "checkpoint FILE: ".
        """
        if facts is not None:
            raise self.other_model()

    def other_model(self) -> UserError:
        """Return the error for a checkpoint of another meta-architecture."""
        return UserError(
            f"is not of a {type(self).__name__}; set MODEL.META_ARCHITECTURE to the model that "
            "was trained"
        )

    # --- inference ---

    def inference_state(self) -> dict[str, Tensor]:
        """Return the weights that inference needs."""
        return self.state_dict()

    def keep_inference_parts(self) -> None:
        """Drop what only training needs."""

    def feature_settings(self, cfg: CfgNode) -> str:
        """Return the settings that change features and leave no trace in the weights.

        Args:
            cfg: the config the model was built from.
        """
        model = cfg.MODEL.clone()
        model.defrost()
        for node, keys in (
            (model, ("WEIGHTS", "DEVICE", "DPPP")),
            (model.BACKBONE, ("PRETRAIN", "PRETRAIN_PATH")),
            (model.LOSSES, ("PROTOTYPE",)),
            (model.HEADS, ("NUM_CLASSES",)),  # FastReID sets it when it has seen the data
        ):
            for key in keys:
                node.pop(key, None)
        own_norm = "instance norm" if self.instance_norm else ""
        return model.dump() + cfg.MODEL.DPPP.CLIP_NAME + own_norm

    def encode_texts(self, texts: Sequence[str]) -> Tensor | None:
        """Return features (N, d1) of sentences; None without a text side."""
        return None

    def attention_maps(self, images: Tensor) -> Tensor | None:
        """Return the share of each patch in the feature; None without a class token to follow.

        Args:
            images: (B, 3, H, W), 0..255, on the model's device.

        Returns:
            (B, grid height, grid width), 0..1.
        """
        return None

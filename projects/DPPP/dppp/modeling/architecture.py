"""What a checkpoint of a ``CLIPDPPP`` states, and how its weights get into a model."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from fastreid.config import CfgNode, get_cfg
from torch import Tensor, nn

from ..errors import UserError
from ..files import digest_tensors
from ..log import logger
from .clip_model import CLIPModel
from .destylization import DestylizationProjector
from .interface import META_ARCHITECTURE
from .positions import resample_positions

_CLIP_NAME = "MODEL.DPPP.CLIP_NAME"
_RESIDUAL = "MODEL.DPPP.DESTYLIZATION_RESIDUAL"
_PIXEL_MEAN, _PIXEL_STD = "MODEL.PIXEL_MEAN", "MODEL.PIXEL_STD"
_INSTANCE_NORM = "INPUT.INSTANCE_NORM"
_SIZE, _STRIDE = "INPUT.SIZE_TRAIN", "MODEL.BACKBONE.STRIDE_SIZE"
_CONFIG_KEYS = (
    *(_CLIP_NAME, _RESIDUAL, _PIXEL_MEAN, _PIXEL_STD),
    *(_INSTANCE_NORM, _SIZE, _STRIDE),
)
_MUST_EQUAL = (_CLIP_NAME, "activation", _PIXEL_MEAN, _PIXEL_STD, _INSTANCE_NORM)
# What a file means that was written before the key existed.
_OLDER = {
    META_ARCHITECTURE: "CLIPDPPP",
    _RESIDUAL: False,
    _INSTANCE_NORM: False,
    _STRIDE: get_cfg().MODEL.BACKBONE.STRIDE_SIZE,
    "text_tower": "",
    "content_words": True,
}

_POSITIONS = "towers.visual.positional_embedding"
_PHASE = "_extra_state"
_TEXT_TOWER = "towers.text."
_INFERENCE = ("towers.visual.", "destylization.", _PHASE)
_OF_CLASSES = ("final_head.", "projected_head.", "content_head.", "prototype_memory.")


def complete_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a checkpoint, with those that older files do not state."""
    return _OLDER | dict(facts)


def _digest(tensors: Mapping[str, Tensor]) -> str:
    sha = hashlib.sha256()
    digest_tensors(sha, tensors)
    return sha.hexdigest()[:16]


class DPPPArchitecture(CLIPModel):
    """The side of ``CLIPDPPP`` that checkpoints and inference see.

    Attributes:
        destylization: P_s.
        num_classes: training identities; 0 in a model for evaluation.
        phase: 1 or 2, the present one.
        has_content_words: whether f_theta has been trained, or is in a phase 1 that has begun.
    """

    destylization: DestylizationProjector
    num_classes: int
    phase: int
    has_content_words: bool

    @property
    def needs_content_words(self) -> bool:
        """Whether what is trained compares with texts of content words that it does not train."""
        raise NotImplementedError

    @property
    def display_name(self) -> str:
        """The model's name in messages, pictures and exported files."""
        return f"{type(self).__name__} {self.towers.name}"

    def get_extra_state(self) -> Tensor:
        """Return the phase, which torch stores with the weights."""
        return torch.tensor(self.phase)

    def set_extra_state(self, state: Tensor) -> None:
        """Take over the phase of a checkpoint."""
        self.set_phase(int(state))

    def set_phase(self, number: int) -> None:
        """Make a phase the present one, as it is: a trainer starts phases with ``start_phase``."""
        raise NotImplementedError

    def describe_architecture(self, *, inference_only: bool = False) -> dict[str, Any]:
        """Return plain facts, by the config key that sets them where there is one.

        The digest of the text tower is that of what ``checkpoint_state`` leaves out, "" if nothing.
        """
        left_out = {} if inference_only else self._readable_text_tower()
        return {
            META_ARCHITECTURE: type(self).__name__,
            _CLIP_NAME: self.towers.name,
            "activation": self.towers.activation,
            _RESIDUAL: self.destylization.residual,
            _PIXEL_MEAN: self.pixel_mean.flatten().tolist(),
            _PIXEL_STD: self.pixel_std.flatten().tolist(),
            _INSTANCE_NORM: self.instance_norm,
            _SIZE: list(self.towers.visual.image_size),
            _STRIDE: list(self.towers.visual.conv1.stride),
            "grid": list(self.towers.visual.grid_size),
            "classes": self.num_classes,
            "inference_only": inference_only,
            "text_tower": _digest(left_out) if left_out else "",
            "content_words": self.has_content_words,
        }

    def _readable_text_tower(self) -> dict[str, Tensor]:
        """Return the frozen text tower if MODEL.DPPP.CLIP_PRETRAINED brings it again."""
        if not self.towers.pretrained:
            return {}
        return {k: v for k, v in self.state_dict().items() if k.startswith(_TEXT_TOWER)}

    def checkpoint_state(self) -> dict[str, Tensor]:
        """Return all weights but those of a text tower that can be read again."""
        left_out = self._readable_text_tower()
        return {key: value for key, value in self.state_dict().items() if key not in left_out}

    @classmethod
    def configure(cls, cfg: CfgNode, facts: Mapping[str, Any]) -> None:
        """Set in ``cfg`` what the facts of a checkpoint say; KeyError if one is missing.

        The test transform has no other setting: a CLIP takes images of one size.
        """
        for key in _CONFIG_KEYS:
            cfg.merge_from_list([key, facts[key]])
        cfg.INPUT.SIZE_TEST = facts[_SIZE]

    def adapt_state(self, facts: Mapping[str, Any] | None, state: dict[str, Tensor]) -> None:
        """Fit the weights of a checkpoint to this model, in place.

        The position embedding is resampled if the grid of patches differs; classifiers for another
        number of identities are left out; a text tower that the file does not hold is this model's.

        Args:
            facts: what ``describe_architecture`` returned when the checkpoint was written.
            state: the checkpoint's weights.

        Raises:
            UserError: the features would be wrong, or the weights are not enough for training.
        """
        own = self.describe_architecture()
        if facts is None:
            raise self.other_model()
        facts = complete_facts(facts)
        if facts[META_ARCHITECTURE] != own[META_ARCHITECTURE]:
            raise self.other_model()
        must_equal: tuple[str, ...] = _MUST_EQUAL
        if int(state.get(_PHASE, 1)) == 2:
            must_equal += (_RESIDUAL,)
        elif facts[_RESIDUAL] != own[_RESIDUAL]:  # phase 1 has not trained P_s: keep this model's
            state |= {f"destylization.{k}": v for k, v in self.destylization.state_dict().items()}
        for key in must_equal:
            if facts[key] != own[key]:
                raise UserError(
                    f"has {key} = {facts[key]}, the config has {own[key]}; the features would be "
                    f"wrong. Set {key} to {facts[key]}"
                )
        if facts["inference_only"] and self.num_classes:
            raise UserError("holds only what inference needs; train from a whole one")
        self.has_content_words |= facts["content_words"]
        if self.needs_content_words and not self.has_content_words:
            raise UserError(
                "comes from a run that trained no content words, and L2_SupCon compares with their "
                "texts; name one of a phase 1 with L1_SupCon or L_Tri-txt, or leave L2_SupCon out "
                "of MODEL.DPPP.LOSSES"
            )
        self._adapt_text_tower(facts["text_tower"], own["text_tower"], state)
        if facts["grid"] != own["grid"]:
            state[_POSITIONS] = resample_positions(state[_POSITIONS], facts["grid"], own["grid"])
            logger.info("position embedding resampled: %s to %s", facts["grid"], own["grid"])
        if facts["classes"] != self.num_classes:
            for key in [key for key in state if key.startswith(_OF_CLASSES)]:
                del state[key]
            if self.num_classes:
                logger.info("classifiers of %d identities left out", facts["classes"])
        self._require_shapes(state)

    def _adapt_text_tower(self, of_file: str, own: str, state: dict[str, Tensor]) -> None:
        """Complete a file without text tower, or remember that CLIP_PRETRAINED does not bring it.

        Args:
            of_file: digest of what was left out of the file.
            own: digest of what would be left out of a file of this model.
            state: the file's weights.
        """
        present = {k: v for k, v in self.state_dict().items() if k.startswith(_TEXT_TOWER)}
        if of_file:
            if self.num_classes and of_file != own:
                raise UserError(
                    "was trained with another text tower; set MODEL.DPPP.CLIP_PRETRAINED to the "
                    "weights that its training started from"
                )
            state |= present
        elif any(not torch.equal(state.get(k, v).cpu(), v.cpu()) for k, v in present.items()):
            self.towers.pretrained = ""

    def _require_shapes(self, state: Mapping[str, Tensor]) -> None:
        shapes = {key: value.shape for key, value in self.state_dict().items()}
        for key, value in state.items():
            if key in shapes and value.shape != shapes[key]:
                raise UserError(
                    f"has {key} of shape {tuple(value.shape)}, the model of the config "
                    f"{tuple(shapes[key])}; set the keys of MODEL.DPPP as they were"
                )

    def inference_state(self) -> dict[str, Tensor]:
        """Return the visual encoder, P_s, and the number of the phase."""
        return {k: v for k, v in self.state_dict().items() if k.startswith(_INFERENCE)}

    def keep_inference_parts(self) -> None:
        """Drop the text tower and the pseudo-words: half of the memory and of an exported file.

        What ``set_phase`` names becomes an ``nn.Identity``.
        """
        for part in ("content_inversion", "style_aggregation", "style_inversion"):
            setattr(self, part, nn.Identity())
        self.prompts = nn.ModuleDict()
        del self.towers.text

    def feature_settings(self, cfg: CfgNode) -> str:
        """Return how P_s is used and pixels are normalized, which leaves no trace in weights."""
        used = {"residual": self.destylization.residual, "instance norm": self.instance_norm}
        return ", ".join(name for name, is_on in used.items() if is_on)

"""What a checkpoint and a model must agree on, stored beside the weights and compared on load."""

import logging

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import UserError

logger = logging.getLogger("fastreid.dppp")

_POSITIONS = "towers.visual.positional_embedding"
_RESIDUAL = "MODEL.DPPP.DESTYLIZATION_RESIDUAL"
_MUST_EQUAL = ("MODEL.DPPP.CLIP_NAME", "activation", "MODEL.PIXEL_MEAN", "MODEL.PIXEL_STD")
_INFERENCE = ("towers.visual.", "destylization.", "_extra_state")
_HEADS = ("final_head.", "projected_head.", "content_head.")


def describe_architecture(model: nn.Module, inference_only: bool = False) -> dict:
    """Plain facts about a ``CLIPDPPP``, by the config key that sets them where there is one."""
    visual = model.towers.visual
    return {
        "MODEL.DPPP.CLIP_NAME": model.towers.name,
        "activation": type(visual.transformer.resblocks[0].mlp.gelu).__name__,
        _RESIDUAL: model.destylization.residual,
        "MODEL.PIXEL_MEAN": model.pixel_mean.flatten().tolist(),
        "MODEL.PIXEL_STD": model.pixel_std.flatten().tolist(),
        "INPUT.SIZE_TRAIN": list(visual.image_size),
        "grid": list(visual.grid_size),
        "classes": model.num_classes,
        "inference_only": inference_only,
    }


def inference_state(model: nn.Module) -> dict[str, Tensor]:
    """The weights that inference needs: visual encoder, P_s, and which phase they are of."""
    state = model.state_dict()
    return {key: value for key, value in state.items() if key.startswith(_INFERENCE)}


def adapt_state(saved: dict, state: dict[str, Tensor], model: nn.Module) -> None:
    """Fit the weights of a checkpoint to a model, in place.

    The position embedding is resampled where the image size differs; classifiers of another number
    of identities are left out.

    Args:
        saved: what ``describe_architecture`` said of the checkpoint's model.
        state: the checkpoint's weights.

    Raises:
        UserError: the two cannot mean the same, or the weights are not enough for training.
    """
    own = describe_architecture(model)
    saved = {_RESIDUAL: False} | saved  # files that are older than the key
    must_equal = _MUST_EQUAL
    if int(state.get("_extra_state", 1)) == 2:  # the phase
        must_equal += (_RESIDUAL,)
    elif saved[_RESIDUAL] != own[_RESIDUAL]:  # phase 1 has not trained P_s
        state |= {f"destylization.{key}": v for key, v in model.destylization.state_dict().items()}
    for key in must_equal:
        if saved[key] != own[key]:
            raise UserError(
                f"the checkpoint was made with {key} {saved[key]}, this model has {own[key]}; "
                "features would mean nothing. Set it as it was"
            )
    if saved["inference_only"] and model.num_classes:
        raise UserError("the checkpoint holds what inference needs only; train from a whole one")
    if saved["grid"] != own["grid"]:
        state[_POSITIONS] = resample_positions(state[_POSITIONS], saved["grid"], own["grid"])
        logger.info("position embedding resampled from %s to %s", saved["grid"], own["grid"])
    if saved["classes"] != own["classes"]:
        for key in [key for key in state if key.startswith(_HEADS)]:
            del state[key]
        if own["classes"]:
            logger.info("classifiers of %d identities left out", saved["classes"])
    shapes = {key: value.shape for key, value in model.state_dict().items()}
    for key, value in state.items():
        if key in shapes and value.shape != shapes[key]:
            raise UserError(
                f"the checkpoint has {key} of shape {tuple(value.shape)}, this model "
                f"{tuple(shapes[key])}; set the keys of MODEL.DPPP as they were"
            )


def resample_positions(embedding: Tensor, old: list[int], new: list[int]) -> Tensor:
    """(1 + old height x old width, d2) -> (1 + new height x new width, d2), as open_clip does."""
    of_class, of_patches = embedding[:1], embedding[1:]
    grid = of_patches.T.reshape(1, -1, *old)
    grid = F.interpolate(grid, size=tuple(new), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([of_class, grid.flatten(2)[0].T])

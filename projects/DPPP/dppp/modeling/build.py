"""Any model of FastReID's registries: built, or refused in one line."""

import pickle

import torch
from fastreid.config import CfgNode
from fastreid.modeling import meta_arch
from gdown.exceptions import FileURLRetrievalError as GdownError
from torch import Tensor, nn

from ..errors import UserError, one_line
from . import CLIPDPPP

# By a name or setting unknown to FastReID, or by weights that cannot be read or fetched.
_NOT_BUILT = (
    KeyError,
    AssertionError,
    OSError,
    EOFError,
    IndexError,
    RuntimeError,
    pickle.UnpicklingError,
    GdownError,
)

_MGN_LOWEST_PX = 67  # five rows after FastReID's ResNet


def build_model(cfg: CfgNode) -> nn.Module:
    """The model of a config, on its device.

    Raises:
        UserError: FastReID has no such model, its pretrained weights are not to be had, or its
            backbone or input does not fit it.
    """
    if cfg.MODEL.META_ARCHITECTURE == "MGN":
        _check_mgn_backbone(cfg.MODEL.BACKBONE)
        _check_mgn_height(cfg.INPUT)
    try:
        model = meta_arch.build_model(cfg)
    except _NOT_BUILT as error:
        refusal = _refuse_model(cfg, error)
        if refusal is None:
            raise
        raise refusal from None
    if not isinstance(model, CLIPDPPP):  # which changes nothing in place
        model.register_forward_pre_hook(_keep_images)
    return model


def _check_mgn_backbone(backbone: CfgNode) -> None:
    """MGN copies the last stage of its backbone into three bottleneck blocks of its own."""
    if backbone.NAME != "build_resnet_backbone" or backbone.DEPTH in ("18x", "34x"):
        raise UserError(
            f"MODEL.BACKBONE.NAME {backbone.NAME} with DEPTH {backbone.DEPTH}: FastReID's MGN is "
            "built on build_resnet_backbone with DEPTH 50x, 101x or 152x"
        )


def _check_mgn_height(input_cfg: CfgNode) -> None:
    """MGN cuts a map of a row each 16 px or so into thirds, which four rows do not have."""
    for key in ("SIZE_TRAIN", "SIZE_TEST"):
        height = input_cfg[key][0]
        if height < _MGN_LOWEST_PX:
            raise UserError(
                f"INPUT.{key} is {height} px high; MGN cuts its input into three parts and needs "
                f"{_MGN_LOWEST_PX} px or more (FastReID's is 384)"
            )


def _refuse_model(cfg: CfgNode, error: Exception) -> UserError | None:
    """What to tell of a model that could not be built; None for an error that is no setting's."""
    model, backbone = cfg.MODEL, cfg.MODEL.BACKBONE
    # FastReID reads the YAML files of its RegNets and EfficientNets from the working folder.
    no_yaml = str(getattr(error, "filename", "")).endswith(".yaml")
    if no_yaml or isinstance(error, (KeyError, AssertionError)):
        return UserError(
            f"MODEL.META_ARCHITECTURE {model.META_ARCHITECTURE} with BACKBONE.NAME {backbone.NAME} "
            f"and DEPTH {backbone.DEPTH}: FastReID cannot build it ({one_line(error)})"
        )
    if not backbone.PRETRAIN:
        return None
    weights = backbone.PRETRAIN_PATH or "the ImageNet weights"
    return UserError(
        f"{backbone.NAME}: {weights} could not be read or fetched ({type(error).__name__}); "
        "MODEL.BACKBONE.PRETRAIN_PATH takes a local file, MODEL.BACKBONE.PRETRAIN False goes "
        "without"
    )


def _keep_images(_: nn.Module, inputs: tuple[dict | Tensor]) -> tuple[dict | Tensor]:
    """FastReID's models normalise their images in place: give them a copy.

    Else TEST.FLIP, which calls a model twice with one batch, would normalise it twice.
    """
    (batch,) = inputs
    if torch.is_tensor(batch):
        return (batch.clone(),)
    return ({**batch, "images": batch["images"].clone()},)

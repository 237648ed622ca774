"""Any model of FastReID's registries: built with our interface, or refused in one line."""

import functools
import pickle

import torch
from fastreid.config import CfgNode
from fastreid.modeling import meta_arch
from torch import nn

from ..errors import UserError, one_line
from .interface import ReIDModel
from .plain_model import ModelWithLosses, PlainModel

_MGN_LOWEST_PX = 67  # five rows after FastReID's ResNet


def model_class(name: str) -> type[ReIDModel]:
    """Return the meta-architecture of that name, with the interface of ``ReIDModel``.

    Raises:
        UserError: no meta-architecture of that name is registered.
    """
    try:
        kind = meta_arch.META_ARCH_REGISTRY.get(name)
    except KeyError:
        raise UserError(
            f"MODEL.META_ARCHITECTURE is {name!r}; no such model is registered (CLIPDPPP, or "
            "Baseline, MGN and others of FastReID)"
        ) from None
    return kind if issubclass(kind, ReIDModel) else _with_plain_answers(kind)


@functools.cache
def _with_plain_answers(kind: type[nn.Module]) -> type[ReIDModel]:
    """Derive from a foreign meta-architecture; names of parameters and modules stay its own."""
    plain = ModelWithLosses if hasattr(kind, "losses") else PlainModel
    return type(kind.__name__, (plain, kind), {})


def build_model(cfg: CfgNode) -> ReIDModel:
    """Build the model of a config, on its device.

    Raises:
        UserError: FastReID has no such model, its pretrained weights cannot be read or fetched, or
            its backbone, input or INPUT.INSTANCE_NORM does not fit it.
    """
    if cfg.MODEL.META_ARCHITECTURE == "MGN":
        _check_mgn_backbone(cfg.MODEL.BACKBONE)
        _check_mgn_height(cfg.INPUT)
    kind = model_class(cfg.MODEL.META_ARCHITECTURE)
    try:
        model = kind(cfg).to(torch.device(cfg.MODEL.DEVICE))
    except _not_built() as error:
        refusal = _refuse_model(cfg, error)
        if refusal is None:
            raise
        raise refusal from None
    if cfg.MODEL.LOSSES.PROTOTYPE.SCALE and not model.has_prototypes:
        raise UserError(
            f"MODEL.LOSSES.PROTOTYPE: {cfg.MODEL.META_ARCHITECTURE} has no such loss; set its "
            "SCALE to 0"
        )
    if cfg.INPUT.INSTANCE_NORM and not model.instance_norm:
        raise UserError(
            f"INPUT.INSTANCE_NORM: {cfg.MODEL.META_ARCHITECTURE} normalizes by MODEL.PIXEL_MEAN "
            "and PIXEL_STD alone; switch it off"
        )
    return model


def _not_built() -> tuple[type[Exception], ...]:
    """Return what is raised for a name or setting unknown to FastReID, and for bad weights."""
    from gdown.exceptions import FileURLRetrievalError

    missing = (KeyError, AssertionError, OSError)
    unreadable = (EOFError, IndexError, RuntimeError, pickle.UnpicklingError)
    return (*missing, *unreadable, FileURLRetrievalError)


def _check_mgn_backbone(backbone: CfgNode) -> None:
    """MGN copies the last stage of its backbone into three bottleneck blocks of its own."""
    if backbone.NAME != "build_resnet_backbone" or backbone.DEPTH in ("18x", "34x"):
        raise UserError(
            f"MODEL.BACKBONE.NAME {backbone.NAME} with DEPTH {backbone.DEPTH}: FastReID's MGN is "
            "built on build_resnet_backbone with DEPTH 50x, 101x or 152x"
        )


def _check_mgn_height(input_cfg: CfgNode) -> None:
    """MGN cuts a map with a row per 16 px or so into thirds, for which four rows are too few."""
    for key in ("SIZE_TRAIN", "SIZE_TEST"):
        height = input_cfg[key][0]
        if height < _MGN_LOWEST_PX:
            raise UserError(
                f"INPUT.{key} is {height} px high; MGN cuts its input into three parts and needs "
                f"{_MGN_LOWEST_PX} px or more (FastReID's is 384)"
            )


def _refuse_model(cfg: CfgNode, error: Exception) -> UserError | None:
    """Explain why a model could not be built; None if no setting is to blame."""
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
        "set MODEL.BACKBONE.PRETRAIN_PATH to a local file, or MODEL.BACKBONE.PRETRAIN False for "
        "random weights"
    )

"""``dppp.load``: from a checkpoint, or a config and its checkpoint, to an ``Embedder``."""

import os
from pathlib import Path

import torch
import yaml
from fastreid.config import CfgNode, get_cfg
from torch import nn

from ..config import load_config
from ..defaults import add_dppp_config
from ..errors import UserError
from ..files import read_torch_file
from ..modeling.architecture import adapt_state, inference_state
from ..modeling.build import build_model
from ..modeling.clip_dppp import CLIPDPPP
from .embedder import Embedder
from .published_clip import build_clip_alone

_FACTS = {
    "MODEL.DPPP.CLIP_NAME",
    "MODEL.PIXEL_MEAN",
    "MODEL.PIXEL_STD",
    "INPUT.SIZE_TRAIN",
}


def load(source: str | os.PathLike, weights: str = "", device: str = "auto") -> Embedder:
    """A trained model, ready to embed pictures.

    Args:
        source: a checkpoint of ``tools/train_net.py`` (model_final.pth, model_inference.pth ...),
            which says itself what model it is; a config file; or a CLIP as it was published, with
            its weights, as NAME:WEIGHTS (ViT-B-16-quickgelu:openai).
        weights: with a config file: the checkpoint, FastReID's own too. Without, it is the
            config's MODEL.WEIGHTS, or model_final.pth of its OUTPUT_DIR.
        device: "cpu", "cuda", "cuda:N", or "auto": cuda where there is one.

    Raises:
        UserError: a file is not there or cannot be read, or config and weights do not fit.
    """
    source, device = str(source), choose_device(device)
    if ":" in source and not weights and not os.path.exists(source):
        return Embedder(*build_clip_alone(*source.split(":", 1), device))
    if source.endswith((".yml", ".yaml")):
        opts = ["MODEL.DEVICE", device] + (["MODEL.WEIGHTS", weights] if weights else [])
        return from_config(load_config(source, opts))
    if weights:
        raise UserError(f"{source}: weights are named besides a config file (.yml) only")
    saved = read_checkpoint(source)
    if "architecture" in saved:
        return _build(_config_of_facts(saved["architecture"], device), saved, source)
    return _build(_config_of_run(saved, source, device), saved, source)


def from_config(cfg: CfgNode) -> Embedder:
    """The model of a config, with the weights of MODEL.WEIGHTS or of its finished run."""
    path = cfg.MODEL.WEIGHTS or os.path.join(cfg.OUTPUT_DIR, "model_final.pth")
    return _build(cfg, read_checkpoint(path), path)


def choose_device(name: str) -> str:
    """``name``, or the GPU if there is one where it is "auto"."""
    if name != "auto":
        try:
            is_there = torch.device(name).type != "cuda" or torch.cuda.is_available()
        except RuntimeError:
            raise UserError(f"device {name!r}: use auto, cpu, cuda or cuda:N") from None
        if not is_there:
            raise UserError(f"device {name!r}: torch sees no GPU; use auto or cpu")
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def read_checkpoint(path: str) -> dict:
    """The content of a checkpoint, read without running any code of it; tensors as needed.

    Raises:
        UserError: it is not there, cannot be read, or is no checkpoint of FastReID's kind.
    """
    if not os.path.isfile(path):
        raise UserError(f"checkpoint {path}: no such file; train first, or name another")
    saved = read_torch_file(path, mmap=True)
    if not isinstance(saved, dict) or not isinstance(saved.get("model"), dict):
        raise UserError(f"checkpoint {path}: has no 'model'; it was not written by a FastReID run")
    return saved


def _config_of_facts(facts: dict, device: str) -> CfgNode:
    """Enough of a config to build what a ``CLIPDPPP`` needs for inference.

    Its test transform has no other setting: a CLIP takes pictures of its one size.
    """
    cfg = get_cfg()
    add_dppp_config(cfg)
    cfg.MODEL.META_ARCHITECTURE, cfg.MODEL.DEVICE = "CLIPDPPP", device
    if not isinstance(facts, dict) or not _FACTS <= facts.keys():
        raise UserError("the checkpoint's 'architecture' does not say what model it is")
    cfg.MODEL.DPPP.CLIP_NAME = facts["MODEL.DPPP.CLIP_NAME"]
    cfg.MODEL.DPPP.CLIP_PRETRAINED = ""
    cfg.MODEL.DPPP.DESTYLIZATION_RESIDUAL = facts.get("MODEL.DPPP.DESTYLIZATION_RESIDUAL", False)
    cfg.MODEL.PIXEL_MEAN = facts["MODEL.PIXEL_MEAN"]
    cfg.MODEL.PIXEL_STD = facts["MODEL.PIXEL_STD"]
    cfg.INPUT.SIZE_TRAIN = cfg.INPUT.SIZE_TEST = facts["INPUT.SIZE_TRAIN"]
    return cfg


def _config_of_run(saved: dict, path: str, device: str) -> CfgNode:
    """The config of the run that wrote a checkpoint: in the file, or config.yaml beside it."""
    beside = Path(path).with_name("config.yaml")
    if "trainer" in saved:
        cfg = get_cfg()
        add_dppp_config(cfg)
        try:
            cfg.merge_from_other_cfg(CfgNode.load_cfg(saved["trainer"]["config"]))
        except (AssertionError, KeyError, ValueError, TypeError, yaml.YAMLError) as error:
            raise UserError(
                f"checkpoint {path}: its config does not fit this version "
                f"({' '.join(str(error).split())}); name a config file and it as the weights"
            ) from None
        cfg.MODEL.DEVICE = device
        return cfg
    if beside.is_file():
        return load_config(str(beside), ["MODEL.DEVICE", device])
    raise UserError(
        f"checkpoint {path}: does not say what model it is, and there is no {beside}; name the "
        "config file, and this file as the weights"
    )


def _build(cfg: CfgNode, saved: dict, path: str) -> Embedder:
    cfg = cfg.clone()
    cfg.defrost()
    cfg.MODEL.WEIGHTS, cfg.MODEL.BACKBONE.PRETRAIN = path, False  # the file brings every weight
    cfg.MODEL.HEADS.NUM_CLASSES = 0
    network = build_model(cfg)
    _fill(network, saved, path)
    network.eval()
    if isinstance(network, CLIPDPPP):
        _drop_training_parts(network)
    return Embedder(network, cfg)


def _fill(network: nn.Module, saved: dict, path: str) -> None:
    """Give the network every weight that inference needs, or say which is missing."""
    facts, is_dppp = saved.get("architecture"), isinstance(network, CLIPDPPP)
    if is_dppp != (facts is not None):
        kinds = ("is", "another") if facts else ("is not", "that")
        raise UserError(f"checkpoint {path}: {kinds[0]} of a CLIPDPPP, the config is of {kinds[1]}")
    needed = inference_state(network) if is_dppp else network.state_dict()
    needed = {key: value for key, value in needed.items() if value.numel()}  # 0: a classifier of 0
    state = {key: value for key, value in saved["model"].items() if key in needed}
    if is_dppp:
        adapt_state(facts, state, network)
    for key, value in needed.items():
        if key not in state or state[key].shape != value.shape:
            found = tuple(state[key].shape) if key in state else "nothing"
            raise UserError(
                f"checkpoint {path}: the model of the config has {key} {tuple(value.shape)}, the "
                f"file {found}; they do not belong together"
            )
    network.load_state_dict(state, strict=False)


def _drop_training_parts(network: CLIPDPPP) -> None:
    """Text tower and pseudo-words: half of the memory, and of an exported file."""
    for part in ("content_inversion", "style_aggregation", "style_inversion"):
        setattr(network, part, nn.Identity())
    network.prompts = nn.ModuleDict()
    network.towers.text = nn.Identity()

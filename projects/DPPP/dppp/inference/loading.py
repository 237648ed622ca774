"""``dppp.load``: from a checkpoint, or a config and its checkpoint, to an ``Embedder``."""

import os
from pathlib import Path
from typing import Any

import yaml
from fastreid.config import CfgNode, get_cfg

from ..config import load_config
from ..defaults import add_dppp_config
from ..device import choose_device, resolve_device
from ..errors import UserError
from ..modeling.architecture import complete_facts
from ..modeling.build import build_model, model_class
from ..modeling.checkpoints import read_checkpoint
from ..modeling.interface import META_ARCHITECTURE, ReIDModel
from ..precision import check_precision
from .embedder import Embedder
from .published_clip import build_published_clip


def load(
    source: str | os.PathLike, weights: str = "", device: str = "auto", precision: str = "fp32"
) -> Embedder:
    """Load a trained model, ready to embed images.

    Args:
        source: a checkpoint of ``tools/train_net.py`` (model_final.pth, model_inference.pth ...),
            which says itself what model it is; a config file; or a CLIP as it was published, with
            its weights, as NAME:WEIGHTS (ViT-B-16-quickgelu:openai).
        weights: with a config file, the checkpoint; FastReID's own too. The default is the
            config's MODEL.WEIGHTS, or model_final.pth of its OUTPUT_DIR.
        device: "cpu", "cuda", "cuda:N", or "auto": cuda if torch sees a GPU, else cpu.
        precision: number format in which images are encoded, "fp32" or "bf16".

    Raises:
        UserError: a file is missing or cannot be read, or config and weights do not fit.
    """
    source, device = str(source), choose_device(device, "device")
    check_precision(precision, "precision")
    if ":" in source and not weights and not os.path.exists(source):
        name, pretrained = source.split(":", 1)
        return Embedder(*build_published_clip(name, pretrained, device), precision)
    if source.endswith((".yml", ".yaml")):
        opts = ["MODEL.DEVICE", device] + (["MODEL.WEIGHTS", weights] if weights else [])
        return from_config(load_config(source, opts), precision)
    if weights:
        raise UserError(f"{source}: weights are only named together with a config file (.yml)")
    saved = read_checkpoint(source, mmap=True)
    if "architecture" in saved:
        cfg = _config_of_facts(saved["architecture"], source)
    else:
        cfg = _config_of_run(saved, source)
    cfg.defrost()
    cfg.MODEL.DEVICE = device
    return _build(cfg, saved, source, precision)


def from_config(cfg: CfgNode, precision: str = "fp32") -> Embedder:
    """Load the model of a config, with the weights of MODEL.WEIGHTS or of its finished run."""
    path = cfg.MODEL.WEIGHTS or os.path.join(cfg.OUTPUT_DIR, "model_final.pth")
    return _build(resolve_device(cfg), read_checkpoint(path, mmap=True), path, precision)


def _config_of_facts(facts: Any, path: str) -> CfgNode:
    """Return enough of a config to build what inference needs of the model."""
    cfg = get_cfg()
    add_dppp_config(cfg)
    try:
        facts = complete_facts(facts)
        cfg.MODEL.META_ARCHITECTURE = facts[META_ARCHITECTURE]
        model_class(facts[META_ARCHITECTURE]).configure(cfg, facts)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"checkpoint {path}: its 'architecture' does not say what model it is ({error})"
        ) from None
    return cfg


def _config_of_run(saved: dict[str, Any], path: str) -> CfgNode:
    """Return the config of the run that wrote a checkpoint: in the file, or next to it."""
    config_file = Path(path).with_name("config.yaml")
    if "trainer" in saved:
        cfg = get_cfg()
        add_dppp_config(cfg)
        try:
            cfg.merge_from_other_cfg(CfgNode.load_cfg(saved["trainer"]["config"]))
        except (AssertionError, KeyError, ValueError, TypeError, yaml.YAMLError) as error:
            raise UserError(
                f"checkpoint {path}: the config stored in it is not valid in this version "
                f"({' '.join(str(error).split())}); pass --model CONFIG.yml --weights {path}"
            ) from None
        return cfg
    if config_file.is_file():
        return load_config(str(config_file), [])
    raise UserError(
        f"checkpoint {path}: does not say what model it is, and {config_file} does not exist; "
        f"pass --model CONFIG.yml --weights {path}"
    )


def _build(cfg: CfgNode, saved: dict[str, Any], path: str, precision: str) -> Embedder:
    cfg = cfg.clone()
    cfg.defrost()
    cfg.MODEL.WEIGHTS, cfg.MODEL.BACKBONE.PRETRAIN = path, False  # the file brings every weight
    cfg.MODEL.HEADS.NUM_CLASSES = 0
    network = build_model(cfg)
    _fill(network, saved, path)
    network.eval()
    network.keep_inference_parts()
    return Embedder(network, cfg, precision)


def _fill(network: ReIDModel, saved: dict[str, Any], path: str) -> None:
    """Give the network every weight that inference needs, or say which is missing."""
    needed = network.inference_state()
    needed = {key: value for key, value in needed.items() if value.numel()}  # 0: a classifier of 0
    state = {key: value for key, value in saved["model"].items() if key in needed}
    try:
        network.adapt_state(saved.get("architecture"), state)
    except UserError as error:
        raise UserError(f"checkpoint {path}: {error}") from None
    for key, value in needed.items():
        if key not in state or state[key].shape != value.shape:
            in_file = tuple(state[key].shape) if key in state else "nothing"
            raise UserError(
                f"checkpoint {path}: the model of the config has {key} {tuple(value.shape)}, the "
                f"file {in_file}; they do not belong together"
            )
    network.load_state_dict(state, strict=False)

"""From a command line to a checked config: FastReID's keys, DPPP's, a file, ``KEY VALUE ...``."""

from pathlib import Path

import torch
import yaml
from fastreid.config import CfgNode, get_cfg

from .defaults import COMPILE_MODES, add_dppp_config
from .device import check_device
from .errors import UserError
from .modeling.build import model_class
from .precision import check_precision

_AMP_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_NAMES = {
    "COMPILE": COMPILE_MODES,
    "SCHED": ("MultiStepLR", "CosineAnnealingLR"),
    "WARMUP_METHOD": ("constant", "linear", "exp"),
}


def load_config(config_file: str, opts: list[str]) -> CfgNode:
    """Return FastReID's defaults and DPPP's, then the file, then ``KEY VALUE ...``; frozen.

    Raises:
        UserError: the file is missing or not YAML, a key is unknown, or a value cannot be used.
    """
    cfg = get_cfg()
    add_dppp_config(cfg)
    where = config_file
    try:
        if config_file:
            if not Path(config_file).is_file():
                raise UserError(f"--config-file {config_file}: no such file")
            cfg.merge_from_file(config_file)
        where = "command line"
        cfg.merge_from_list(opts)
    except UserError:
        raise
    except yaml.YAMLError as error:
        raise UserError(f"{where}: not valid YAML ({' '.join(str(error).split())})") from None
    except (AssertionError, KeyError, ValueError, OSError, TypeError) as error:
        raise UserError(f"{where}: {' '.join(str(error).strip(chr(34)).split())}") from None
    model_class(cfg.MODEL.META_ARCHITECTURE).check_config(cfg)
    check_device(cfg.MODEL.DEVICE, "MODEL.DEVICE")
    check_precision(cfg.TEST.PRECISION, "TEST.PRECISION")
    _check_input(cfg)
    _check_prototype(cfg.MODEL.LOSSES.PROTOTYPE)
    _check_solver(cfg)
    cfg.freeze()
    return cfg


def amp_dtype(cfg: CfgNode) -> torch.dtype | None:
    """Return the number format of mixed precision; None if it is off.

    Raises:
        UserError: an unknown format, or fp16 on a CPU.
    """
    amp = cfg.SOLVER.AMP
    if amp.DTYPE not in _AMP_DTYPES:
        raise UserError(f"SOLVER.AMP.DTYPE is {amp.DTYPE!r}; allowed: {', '.join(_AMP_DTYPES)}")
    if amp.ENABLED and amp.DTYPE == "fp16" and cfg.MODEL.DEVICE == "cpu":
        raise UserError("SOLVER.AMP.DTYPE fp16 needs CUDA; use bf16")
    return _AMP_DTYPES[amp.DTYPE] if amp.ENABLED else None


def _check_input(cfg: CfgNode) -> None:
    """Refuse what is not a probability."""
    if not 0 <= cfg.INPUT.GRAYSCALE_PROB <= 1:
        raise UserError(f"INPUT.GRAYSCALE_PROB is {cfg.INPUT.GRAYSCALE_PROB}; it must be 0 to 1")


def _check_prototype(prototype: CfgNode) -> None:
    ranges = {
        "SCALE": (prototype.SCALE >= 0, "0 or more"),
        "MOMENTUM": (0 <= prototype.MOMENTUM < 1, "0 or more and below 1"),
        "TEMPERATURE": (prototype.TEMPERATURE > 0, "above 0"),
    }
    for key, (is_right, allowed) in ranges.items():
        if not is_right:
            raise UserError(
                f"MODEL.LOSSES.PROTOTYPE.{key} is {prototype[key]}; it must be {allowed}"
            )


def _check_solver(cfg: CfgNode) -> None:
    """Refuse what would fail only after everything else has been built."""
    solver = cfg.SOLVER
    amp_dtype(cfg)
    if cfg.SEED < 0:
        raise UserError(f"SEED is {cfg.SEED}; it must be 0 or more")
    if not 0 <= solver.EMA_DECAY < 1:
        raise UserError(f"SOLVER.EMA_DECAY is {solver.EMA_DECAY}; it must be 0 or more and below 1")
    optimizer = getattr(torch.optim, solver.OPT, None)
    if not (isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)):
        raise UserError(
            f"SOLVER.OPT is {solver.OPT!r}; use Adam, AdamW, SGD or another of torch.optim"
        )
    for key, allowed in _NAMES.items():
        if solver[key] not in allowed:
            choices = ", ".join(map(repr, allowed))
            raise UserError(f"SOLVER.{key} is {solver[key]!r}; allowed: {choices}")


def flatten(node: dict, prefix: str = "") -> dict[str, object]:
    """Return nested sections as dotted keys -> values."""
    flat: dict[str, object] = {}
    for name, value in node.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat

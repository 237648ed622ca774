"""From a command line to a checked config and a prepared process."""

import argparse
import logging
from pathlib import Path

import torch
import yaml
from fastreid.config import CfgNode, get_cfg
from fastreid.engine import default_setup

from ..config import add_dppp_config, check_dppp_config
from ..errors import UserError

_NAMES = {
    "SCHED": ("MultiStepLR", "CosineAnnealingLR"),
    "WARMUP_METHOD": ("constant", "linear", "exp"),
}


def load_config(config_file: str, opts: list[str]) -> CfgNode:
    """FastReID's defaults and DPPP's, then the file, then ``KEY VALUE ...``; frozen.

    Raises:
        UserError: the file is missing or no YAML, a key is unknown, or a value cannot be used.
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
    if cfg.MODEL.META_ARCHITECTURE == "CLIPDPPP":
        check_dppp_config(cfg)
    _check_device(cfg)
    _check_solver(cfg)
    cfg.freeze()
    return cfg


def amp_dtype(cfg: CfgNode) -> torch.dtype | None:
    """The number format of mixed precision; None where it is off."""
    names = {"bf16": torch.bfloat16, "fp16": torch.float16}
    return names[cfg.SOLVER.AMP.DTYPE] if cfg.SOLVER.AMP.ENABLED else None


def _check_device(cfg: CfgNode) -> None:
    amp = cfg.SOLVER.AMP
    if amp.DTYPE not in ("bf16", "fp16"):
        raise UserError(f"SOLVER.AMP.DTYPE is {amp.DTYPE!r}; allowed: bf16, fp16")
    if amp.ENABLED and amp.DTYPE == "fp16" and not cfg.MODEL.DEVICE.startswith("cuda"):
        raise UserError("SOLVER.AMP.DTYPE fp16 needs CUDA; use bf16")
    if cfg.SEED < 0:
        raise UserError(f"SEED is {cfg.SEED}; it must be 0 or more")
    try:
        device = torch.device(cfg.MODEL.DEVICE)
    except RuntimeError:
        raise UserError(f"MODEL.DEVICE is {cfg.MODEL.DEVICE!r}; use cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError("MODEL.DEVICE is cuda and torch sees no GPU; add: MODEL.DEVICE cpu")


def _check_solver(cfg: CfgNode) -> None:
    """Names that FastReID looks up only when everything else has been built."""
    solver = cfg.SOLVER
    optimizer = getattr(torch.optim, solver.OPT, None)
    if not (isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)):
        raise UserError(
            f"SOLVER.OPT is {solver.OPT!r}; use Adam, AdamW, SGD or another of torch.optim"
        )
    for key, allowed in _NAMES.items():
        if solver[key] not in allowed:
            raise UserError(f"SOLVER.{key} is {solver[key]!r}; allowed: {', '.join(allowed)}")


def prepare(cfg: CfgNode, args: argparse.Namespace) -> None:
    """FastReID's logging and copy of the config; the trainer seeds itself with SEED."""
    # FastReID's report on the environment makes torch look for a CUDA compiler, and complain.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    default_setup(cfg, args)

"""From a command line to a checked config: FastReID's keys, DPPP's, a file, ``KEY VALUE ...``."""

from pathlib import Path

import torch
import yaml
from fastreid.config import CfgNode, get_cfg

from .defaults import LOSSES, LOSSES_OF_PHASE, PROMPT_STRATEGIES, add_dppp_config
from .errors import UserError

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


def active_phases(cfg: CfgNode) -> tuple[int, ...]:
    """The phases of MODEL.DPPP.PHASES that have a loss that is on; the others do not run."""
    losses = set(cfg.MODEL.DPPP.LOSSES)
    return tuple(
        p for p in cfg.MODEL.DPPP.PHASES if losses.intersection(LOSSES_OF_PHASE.get(p, ()))
    )


def check_dppp_config(cfg: CfgNode) -> None:
    """Refuse values that cannot mean anything; all of them at once.

    Raises:
        UserError: one line that names each key, its value and what is allowed.
    """
    dppp = cfg.MODEL.DPPP
    problems = []
    unknown = [name for name in dppp.LOSSES if name not in LOSSES]
    if unknown or not dppp.LOSSES:
        problems.append(
            f"MODEL.DPPP.LOSSES has {unknown or 'no loss'}; allowed: {', '.join(LOSSES)}"
        )
    if dppp.PROMPTS.STRATEGY not in PROMPT_STRATEGIES:
        problems.append(
            f"MODEL.DPPP.PROMPTS.STRATEGY is {dppp.PROMPTS.STRATEGY!r}; "
            f"allowed: {', '.join(PROMPT_STRATEGIES)}"
        )
    if tuple(dppp.PHASES) not in ((1,), (2,), (1, 2)):
        problems.append(f"MODEL.DPPP.PHASES is {tuple(dppp.PHASES)}; allowed: (1,), (2,), (1, 2)")
    if not unknown and not active_phases(cfg):
        problems.append("MODEL.DPPP.LOSSES has no loss of a phase in MODEL.DPPP.PHASES")
    if not 1 <= dppp.NUM_STYLE_WORDS <= dppp.NUM_STYLE_TOKENS:
        problems.append(
            f"MODEL.DPPP.NUM_STYLE_WORDS (k) is {dppp.NUM_STYLE_WORDS}; "
            f"allowed: 1 to NUM_STYLE_TOKENS (n), {dppp.NUM_STYLE_TOKENS}"
        )
    if dppp.TEMPERATURE <= 0:
        problems.append(f"MODEL.DPPP.TEMPERATURE is {dppp.TEMPERATURE}; it must be above 0")
    if len(cfg.SOLVER.PHASE_EPOCHS) != 2:
        problems.append(
            f"SOLVER.PHASE_EPOCHS is {tuple(cfg.SOLVER.PHASE_EPOCHS)}; give two numbers"
        )
    if cfg.MODEL.FREEZE_LAYERS:
        problems.append("MODEL.FREEZE_LAYERS is not for CLIPDPPP, whose phases say what trains")
    if list(cfg.INPUT.SIZE_TRAIN) != list(cfg.INPUT.SIZE_TEST):
        problems.append(
            "INPUT.SIZE_TRAIN and INPUT.SIZE_TEST differ; CLIP's positions fit one size"
        )
    if problems:
        raise UserError("; ".join(problems))


def flatten(node: dict, prefix: str = "") -> dict[str, object]:
    """Nested sections as dotted keys -> values."""
    flat: dict[str, object] = {}
    for name, value in node.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat

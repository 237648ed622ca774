"""Where a model runs: the name of a device, checked and resolved."""

import torch
from fastreid.config import CfgNode

from .errors import UserError
from .log import logger

AUTO = "auto"


def check_device(name: str, source: str) -> None:
    """Raise a UserError unless ``name`` is that of a device; whether it exists is not asked.

    Args:
        name: the device.
        source: the key or option it was given by, for the message.
    """
    if name == AUTO:
        return
    try:
        torch.device(name)
    except RuntimeError:
        raise UserError(f"{source} is {name!r}; use auto, cpu, cuda or cuda:N") from None


def choose_device(name: str, source: str = "MODEL.DEVICE") -> str:
    """Return the device to run on: for "auto", cuda if torch sees a GPU, else cpu.

    Args:
        name: the device.
        source: the key or option it was given by, for the message.

    Raises:
        UserError: not the name of a device, or a GPU that torch does not see.
    """
    check_device(name, source)
    has_gpu = torch.cuda.is_available()
    if name == AUTO:
        return "cuda" if has_gpu else "cpu"
    if torch.device(name).type == "cuda" and not has_gpu:
        raise UserError(f"{source} is {name} and torch sees no GPU; use auto or cpu")
    return name


def resolve_device(cfg: CfgNode) -> CfgNode:
    """Return the config with the device it runs on as MODEL.DEVICE; "auto" is logged.

    Raises:
        UserError: as ``choose_device``.
    """
    device = choose_device(cfg.MODEL.DEVICE)
    if device == cfg.MODEL.DEVICE:
        return cfg
    seen = "torch sees a GPU" if device == "cuda" else "torch sees no GPU"
    logger.info("MODEL.DEVICE auto: %s, running on %s", seen, device)
    cfg = cfg.clone()
    cfg.defrost()
    cfg.MODEL.DEVICE = device
    cfg.freeze()
    return cfg

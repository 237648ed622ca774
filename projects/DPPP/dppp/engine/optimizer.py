"""The optimizer of a phase: SOLVER's, on the groups that the model names, or on FastReID's."""

from typing import Any

import torch
from fastreid.config import CfgNode
from fastreid.solver.build import get_default_optimizer_params, maybe_add_gradient_clipping
from torch import nn
from torch.optim import Optimizer

from ..config import amp_dtype
from ..modeling.interface import ReIDModel, TrainedGroup

# Those that update all weights in one kernel, on a CPU too. (Adagrad's has no CUDA in torch 2.6.)
_FUSED = ("Adam", "AdamW", "SGD")


def build_optimizer(cfg: CfgNode, model: ReIDModel) -> Optimizer:
    """Make the optimizer of what the model trains in the phase that it has started.

    Args:
        cfg: the run's; SOLVER.FREEZE_ITERS is left to ``FreezeHook``.
        model: names its groups, or leaves the grouping to FastReID: each parameter by itself.
    """
    solver, groups = cfg.SOLVER, model.trained_groups()
    if groups is None:
        settings = _parameters(model, cfg, solver.BASE_LR, solver.HEADS_LR_FACTOR)
    else:
        settings = _merge(cfg, groups)
    options: dict[str, Any] = {}
    if solver.OPT == "SGD":
        options = {"momentum": solver.MOMENTUM, "nesterov": solver.NESTEROV}
    if fused := _can_be_fused(cfg):
        options["fused"] = True
    kind = maybe_add_gradient_clipping(cfg, getattr(torch.optim, solver.OPT))
    optimizer = kind(settings, **options)
    if fused:
        optimizer.register_load_state_dict_pre_hook(_as_fused)
    return optimizer


def _can_be_fused(cfg: CfgNode) -> bool:
    """Whether torch has it fused; with momentum, a first step that a scaler skips spoils SGD's."""
    opt = cfg.SOLVER.OPT
    return opt in _FUSED and not (opt == "SGD" and amp_dtype(cfg) == torch.float16)


def _as_fused(_: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a checkpoint as if its optimizer had been fused: older ones were not."""
    return state | {"param_groups": [group | {"fused": True} for group in state["param_groups"]]}


def _merge(cfg: CfgNode, groups: list[TrainedGroup]) -> list[dict[str, Any]]:
    """SOLVER.BASE_LR, times HEADS_LR_FACTOR for everything new; one group per settings."""
    solver = cfg.SOLVER
    merged: dict[tuple[str, float, float], list[nn.Parameter]] = {}
    for group in groups:
        lr = solver.BASE_LR * solver.HEADS_LR_FACTOR if group.is_new else solver.BASE_LR
        for part in group.parts:
            for settings in _parameters(part, cfg, lr):
                key = (group.name, settings["lr"], settings["weight_decay"])
                merged.setdefault(key, []).extend(settings["params"])
    return [
        {"params": params, "name": name, "lr": lr, "weight_decay": decay}
        for (name, lr, decay), params in merged.items()
    ]


def _parameters(
    part: nn.Module | nn.Parameter, cfg: CfgNode, lr: float, heads_lr_factor: float = 1.0
) -> list[dict[str, Any]]:
    """Return FastReID's parameter groups, with the weight decay of norms and biases, of a part."""
    if isinstance(part, nn.Parameter):
        return [{"params": [part], "lr": lr, "weight_decay": 0.0}]
    return get_default_optimizer_params(
        part,
        base_lr=lr,
        weight_decay=cfg.SOLVER.WEIGHT_DECAY,
        weight_decay_norm=cfg.SOLVER.WEIGHT_DECAY_NORM,
        bias_lr_factor=cfg.SOLVER.BIAS_LR_FACTOR,
        heads_lr_factor=heads_lr_factor,
        weight_decay_bias=cfg.SOLVER.WEIGHT_DECAY_BIAS,
    )

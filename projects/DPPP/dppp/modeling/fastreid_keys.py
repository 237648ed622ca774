"""Keys without effect: FastReID's under CLIPDPPP, which refuses some, and ours under its models."""

from fastreid.config import CfgNode, get_cfg

from ..defaults import add_dppp_config
from ..losses.settings import ADAPTIVE

# Nodes and keys that CLIPDPPP does not read, but for those it does.
_IGNORED = (
    "DATALOADER.SET_WEIGHT",
    "KD",
    "MODEL.BACKBONE",
    "MODEL.HEADS",
    "MODEL.LOSSES",
    "MODEL.QUEUE_SIZE",
    "SOLVER.FREEZE_ITERS",
    "SOLVER.MAX_EPOCH",
)
_OURS = ("MODEL.DPPP", "SOLVER.PHASE_EPOCHS")  # that FastReID's models do not read, but for these:
_OURS_READ = ("MODEL.DPPP.CLIP_NAME", "MODEL.DPPP.CLIP_PRETRAINED")  # by the CLIP backbone
_READ = (
    "MODEL.BACKBONE.PRETRAIN_PATH",  # refused
    "MODEL.BACKBONE.STRIDE_SIZE",
    "MODEL.HEADS.NUM_CLASSES",
    "MODEL.LOSSES.CE",
    "MODEL.LOSSES.TRI",
)


def refused_keys(cfg: CfgNode) -> list[str]:
    """Return a line for each of FastReID's keys whose value would do harm in silence."""
    problems = []
    if cfg.MODEL.FREEZE_LAYERS:
        problems.append(
            "MODEL.FREEZE_LAYERS does not apply to CLIPDPPP, whose phases say what trains"
        )
    if cfg.MODEL.BACKBONE.PRETRAIN_PATH:
        problems.append(
            f"MODEL.BACKBONE.PRETRAIN_PATH is {cfg.MODEL.BACKBONE.PRETRAIN_PATH!r}, which CLIPDPPP "
            "does not read; name the file in MODEL.DPPP.CLIP_PRETRAINED"
        )
    ce = cfg.MODEL.LOSSES.CE
    if ce.EPSILON != ADAPTIVE and not 0 <= ce.EPSILON < 1:
        problems.append(
            f"MODEL.LOSSES.CE.EPSILON is {ce.EPSILON}; allowed: 0 to below 1, or {ADAPTIVE} for "
            "adaptive smoothing"
        )
    if not 0 <= ce.ALPHA <= 1:
        problems.append(f"MODEL.LOSSES.CE.ALPHA is {ce.ALPHA}; allowed: 0 to 1")
    if cfg.TEST.PRECISE_BN.ENABLED:
        problems.append(
            "TEST.PRECISE_BN does not apply to CLIPDPPP: neither v_g nor v_c passes a batch "
            "normalization at test time; set TEST.PRECISE_BN.ENABLED False"
        )
    return problems


def ignored_keys(cfg: CfgNode) -> list[str]:
    """Return "KEY VALUE" for each of FastReID's keys that was set and that CLIPDPPP ignores."""
    changed = _changed(cfg, get_cfg(), "")
    return [
        f"{key} {value!r}"
        for key, value in sorted(changed.items())
        if _is_in(key, _IGNORED) and not _is_in(key, _READ)
    ]


def ignored_by_plain_models(cfg: CfgNode) -> list[str]:
    """Return "KEY VALUE" for each of our keys that was set and that FastReID's models ignore."""
    default = get_cfg()
    add_dppp_config(default)
    changed = _changed(cfg, default, "")
    return [
        f"{key} {value!r}"
        for key, value in sorted(changed.items())
        if _is_in(key, _OURS) and key not in _OURS_READ
    ]


def _changed(node: CfgNode, default: CfgNode, prefix: str) -> dict[str, object]:
    """Return key -> value of what differs from the defaults, as far as they have it."""
    found: dict[str, object] = {}
    for name, value in default.items():
        if isinstance(value, CfgNode):
            found |= _changed(node[name], value, f"{prefix}{name}.")
        elif node[name] != value:
            found[f"{prefix}{name}"] = node[name]
    return found


def _is_in(key: str, nodes: tuple[str, ...]) -> bool:
    return any(key == node or key.startswith(f"{node}.") for node in nodes)

"""The settings of MODEL.DPPP: which phases run, and which values are refused."""

from fastreid.config import CfgNode

from ..defaults import LOSSES, LOSSES_OF_PHASE, PROMPT_STRATEGIES, STYLE_TOKEN_NORMS
from ..errors import UserError
from .fastreid_keys import refused_keys
from .interface import PhasePlan


def active_phases(cfg: CfgNode) -> tuple[int, ...]:
    """Return the phases of MODEL.DPPP.PHASES that have a loss that is on; the others do not run."""
    losses = set(cfg.MODEL.DPPP.LOSSES)
    return tuple(
        p for p in cfg.MODEL.DPPP.PHASES if losses.intersection(LOSSES_OF_PHASE.get(p, ()))
    )


def plan_phases(cfg: CfgNode) -> list[PhasePlan]:
    """Return phases 1 and 2 as far as they run."""
    return [
        PhasePlan(
            name=f"phase {number}",
            number=number,
            epochs=cfg.SOLVER.PHASE_EPOCHS[number - 1],
            needs_weights=number == 2,  # of f_theta, and of an encoder that fits it
        )
        for number in active_phases(cfg)
    ]


def check_dppp_config(cfg: CfgNode) -> None:
    """Refuse values that have no meaning, all of them at once.

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
    if not 1 <= dppp.NUM_STYLE_WORDS <= dppp.NUM_STYLE_TOKENS:
        problems.append(
            f"MODEL.DPPP.NUM_STYLE_WORDS (k) is {dppp.NUM_STYLE_WORDS}; "
            f"allowed: 1 to NUM_STYLE_TOKENS (n), {dppp.NUM_STYLE_TOKENS}"
        )
    if dppp.STYLE_TOKEN_NORM not in STYLE_TOKEN_NORMS:
        problems.append(
            f"MODEL.DPPP.STYLE_TOKEN_NORM is {dppp.STYLE_TOKEN_NORM!r}; "
            f"allowed: {', '.join(STYLE_TOKEN_NORMS)}"
        )
    if dppp.TEMPERATURE <= 0:
        problems.append(f"MODEL.DPPP.TEMPERATURE is {dppp.TEMPERATURE}; it must be above 0")
    if not unknown:
        problems += _phase_problems(cfg)
    problems += refused_keys(cfg) + size_problems(cfg)
    if problems:
        raise UserError("; ".join(problems))


def _phase_problems(cfg: CfgNode) -> list[str]:
    """Return a line for each reason why the phases would train nothing, or nothing of use."""
    dppp, epochs, active = cfg.MODEL.DPPP, tuple(cfg.SOLVER.PHASE_EPOCHS), active_phases(cfg)
    if not active:
        return ["MODEL.DPPP.LOSSES has no loss of a phase in MODEL.DPPP.PHASES"]
    if len(epochs) != 2 or min(epochs) < 0:
        return [f"SOLVER.PHASE_EPOCHS is {epochs}; give two numbers of 0 or more"]
    if not sum(epochs[phase - 1] for phase in active if phase in (1, 2)):
        return [f"SOLVER.PHASE_EPOCHS is {epochs}; no phase that has a loss has an epoch"]
    learnt = dppp.PROMPTS.STRATEGY != "generic" and "L1_SupCon" in dppp.LOSSES
    learnt = learnt or "L_Tri-txt" in dppp.LOSSES or bool(cfg.MODEL.WEIGHTS)
    if active == (1, 2) and "L2_SupCon" in dppp.LOSSES and not learnt:
        return [
            "L2_SupCon compares with texts of content words, which no loss of phase 1 trains; add "
            "L_Tri-txt to MODEL.DPPP.LOSSES, or name a trained checkpoint in MODEL.WEIGHTS"
        ]
    return []


def idle_keys(cfg: CfgNode) -> list[str]:
    """Return "KEY VALUE" for each key of phase 1 that was set and that no loss of the run uses."""
    has_phase_1, idle = 1 in active_phases(cfg), []
    if cfg.MODEL.LOSSES.PROTOTYPE.SCALE and not has_phase_1:
        idle.append(f"MODEL.LOSSES.PROTOTYPE.SCALE {cfg.MODEL.LOSSES.PROTOTYPE.SCALE!r}")
    if cfg.MODEL.DPPP.TEMPERATURE_LEARNABLE and not (
        has_phase_1 and "L1_SupCon" in cfg.MODEL.DPPP.LOSSES
    ):
        idle.append("MODEL.DPPP.TEMPERATURE_LEARNABLE True")
    return idle


def size_problems(cfg: CfgNode) -> list[str]:
    """Return a line for each of the sizes of images and patches that a CLIP cannot take."""
    problems, stride = [], tuple(cfg.MODEL.BACKBONE.STRIDE_SIZE)
    if list(cfg.INPUT.SIZE_TRAIN) != list(cfg.INPUT.SIZE_TEST):
        problems.append(
            "INPUT.SIZE_TRAIN and INPUT.SIZE_TEST differ; CLIP's position embedding fits one size"
        )
    if len(stride) != 2:
        problems.append(
            f"MODEL.BACKBONE.STRIDE_SIZE is {stride}; give two numbers, pixels down and across"
        )
    return problems

"""What others found to help on unseen cameras: one setting each on top of the method.

Scores are of the world on which settings are chosen. Each row's run gives the model after phase 1,
whose encoder is all that most levers act on, and the one after phase 2. A lever that has lost by
more than a standard deviation after three seeds, in the model after phase 2, gets no more of them.
"""

from __future__ import annotations

import dataclasses
from statistics import fmean, stdev

from tabulate import tabulate

from .comparison import PAIRED, paired
from .measuring import Measured, measure
from .paper import AFTER_PHASE_1, AFTER_PHASE_2, MARKET, Row, Table
from .report import made_by, write_report
from .request import Request
from .testbeds import FIVE_WORLDS, Testbed, choose_testbed

LEVERS = "levers"
_SCORE = "mAP"
_FEW_SEEDS = 3
_STAGES = (AFTER_PHASE_1, AFTER_PHASE_2)
_CONFIG = "ablations/projector_residual.yml"  # the whole method, P_s as a residual
_DATA = "DATASETS.NAMES"

# Label -> KEY VALUE ...
_SETTINGS: dict[str, tuple[str, ...]] = {
    "the method": (),
    "five camera worlds": FIVE_WORLDS,
    "twins to train on": (_DATA, "('GenePersonTwins',)"),
    "flips": ("INPUT.FLIP.ENABLED", "True"),
    "padding and crops": ("INPUT.PADDING.ENABLED", "True"),
    "color jitter": (
        *("INPUT.CJ.BRIGHTNESS", "0.3", "INPUT.CJ.SATURATION", "0.3", "INPUT.CJ.HUE", "0.1"),
    ),
    "AugMix": ("INPUT.AUGMIX.ENABLED", "True", "INPUT.AUGMIX.PROB", "0.5"),
    "grayscale images": ("INPUT.GRAYSCALE_PROB", "0.1"),
    "random erasing": ("INPUT.REA.ENABLED", "True"),
    "instance-normalized input": ("INPUT.INSTANCE_NORM", "True"),
    "label smoothing": ("MODEL.LOSSES.CE.EPSILON", "0.1"),
    "hard-identity batches": ("DATALOADER.SAMPLER_TRAIN", "HardIdentitySampler"),
    "prototypes": ("MODEL.LOSSES.PROTOTYPE.SCALE", "1.0"),
    "averaged weights": ("SOLVER.EMA_DECAY", "0.99"),
    "temperature 0.02": ("MODEL.DPPP.TEMPERATURE", "0.02"),
    "learned temperature": ("MODEL.DPPP.TEMPERATURE_LEARNABLE", "True"),
    "P_s as printed": ("MODEL.DPPP.DESTYLIZATION_RESIDUAL", "False"),
    "T_s of patch scale": ("MODEL.DPPP.STYLE_TOKEN_NORM", "patch"),
}
_BASE = next(iter(_SETTINGS))
_ROWS = tuple(
    Row(label=stage, config=_CONFIG, stage=stage, paper={MARKET: {}}) for stage in _STAGES
)
_TABLE = Table(title="", scores=(_SCORE,), rows=_ROWS)

Scores = dict[str, Measured]  # stage -> scores


def levers_report(request: Request) -> str:
    """Return mAP with each lever, and its effect, as Markdown.

    Raises:
        UserError: settings that cannot be used.
    """
    testbed = choose_testbed(request.testbed, _TABLE, request.opts)
    test = testbed.measured_on()[0]
    levers = _measured_levers(testbed, request)
    text = f"## Levers: {_SCORE} on {test}\n\n{_grid(levers, test)}\n\n"
    text += f"Against {_BASE}:\n\n{_effects(levers, test)}\n{PAIRED}\n"
    if request.num_seeds > _FEW_SEEDS:
        text += f"A lever that has lost by more than a deviation has {_FEW_SEEDS} seeds.\n"
    text += testbed.note + made_by(request)
    if request.output is not None:
        write_report(request.output, text, _content(levers))
    return text


def _measured_levers(testbed: Testbed, request: Request) -> dict[str, Scores]:
    test = testbed.measured_on()[0]
    few = dataclasses.replace(request, num_seeds=min(request.num_seeds, _FEW_SEEDS))
    levers = {
        label: _measured(settings, testbed, few)
        for label, settings in _SETTINGS.items()
        if request.testbed == "embedded" or _DATA not in settings  # only that one has such sets
    }
    if few.num_seeds == request.num_seeds:
        return levers
    return {
        label: scores
        if _loses(scores, levers[_BASE], test)
        else _measured(_SETTINGS[label], testbed, request)
        for label, scores in levers.items()
    }


def _loses(scores: Scores, base: Scores, test: str) -> bool:
    """Return whether a lever is below the method by more than the larger of their deviations."""
    own, other = (s[AFTER_PHASE_2].scores.get(test, {}).get(_SCORE) for s in (scores, base))
    if not own or not other:
        return False
    return fmean(other) - fmean(own) > max(stdev(own), stdev(other))


def _measured(settings: tuple[str, ...], testbed: Testbed, request: Request) -> Scores:
    request = dataclasses.replace(request, opts=(*request.opts, *settings))
    return {row.stage: measure(row, testbed, request) for row in _ROWS}


def _grid(levers: dict[str, Scores], test: str) -> str:
    lines = [
        [
            label,
            _shown(_SETTINGS[label]),
            *(row.cell(test, _SCORE) for row in scores.values()),
            str(scores[AFTER_PHASE_2].num_seeds(test)),
        ]
        for label, scores in levers.items()
    ]
    headers = ["", "settings", *_STAGES, "seeds"]
    return tabulate(lines, headers=headers, tablefmt="pipe", disable_numparse=True)


def _shown(settings: tuple[str, ...]) -> str:
    return f"`{' '.join(settings)}`" if settings else ""


def _effects(levers: dict[str, Scores], test: str) -> str:
    return "".join(
        f"- {label}, {stage}: {paired(scores[stage], levers[_BASE][stage], test)}\n"
        for label, scores in levers.items()
        for stage in _STAGES
        if label != _BASE
    )


def _content(levers: dict[str, Scores]) -> dict[str, object]:
    rows = {
        label: {
            "settings": _SETTINGS[label],
            "scores": {stage: measured.scores for stage, measured in scores.items()},
            "commands": scores[AFTER_PHASE_1].commands,
        }
        for label, scores in levers.items()
    }
    return {"unit": "percent", "score": _SCORE, "rows": rows}

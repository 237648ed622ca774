"""Learning curves: how far ID and triplet loss, and PDM, come with more epochs of the encoder.

A comparison at one number of epochs may only say which of two is faster. Where both curves are
flat, it says which is better.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

from tabulate import tabulate

from .comparison import paired
from .epochs import phase_epochs, with_epochs
from .measuring import Measured, measure, settings_of
from .paper import AFTER_PHASE_1, AFTER_PHASE_2, MARKET, Row, Table
from .report import made_by, write_picture, write_report
from .request import Request
from .testbeds import Testbed, choose_testbed

_SCORE = "mAP"
_BASELINE = "ID + triplet"
_PDM = "ablations/projector_residual.yml"
_CURVES = {
    _BASELINE: ("ablations/baseline.yml", AFTER_PHASE_1),
    "PDM, after phase 1": (_PDM, AFTER_PHASE_1),
    "PDM, after phase 2": (_PDM, AFTER_PHASE_2),
}
_ROWS = {
    label: Row(label=label, config=config, stage=stage, paper={MARKET: {}})
    for label, (config, stage) in _CURVES.items()
}
_TABLE = Table(title="", scores=(_SCORE,), rows=tuple(_ROWS.values()))

Curve = dict[int, Measured]  # epochs of phase 1 -> scores


def curves_report(request: Request) -> str:
    """Return mAP at each of the request's numbers of epochs as Markdown.

    If the request names an output file, write it, and a PNG of the curves next to it.

    Raises:
        UserError: settings that cannot be used.
    """
    testbed = choose_testbed(request.testbed, _TABLE, request.opts)
    test = testbed.measured_on()[0]
    curves = {label: _curve(row, testbed, request) for label, row in _ROWS.items()}
    text = f"## Learning curves: {_SCORE} on {test}\n\n{_grid(curves, test)}\n\n"
    text += _gains(curves, test)
    text += (
        "\nThe rows are the epochs of phase 1, which trains the encoder; its learning rate steps "
        "move with them. Phase 2 has the config's epochs in each.\n"
    )
    text += testbed.note + made_by(request)
    if request.output is not None:
        write_report(request.output, text, _content(curves, test))
        if any(row.scores for curve in curves.values() for row in curve.values()):
            _draw(curves, test, request.output.with_suffix(".png"))
    return text


def _curve(row: Row, testbed: Testbed, request: Request) -> Curve:
    config_file, opts = settings_of(row.config, testbed, request)
    second = phase_epochs(config_file, opts)[1]
    curve = {}
    for first in request.epochs:
        length = with_epochs(config_file, opts, first, second)
        longer = dataclasses.replace(request, opts=(*request.opts, *length))
        curve[first] = measure(row, testbed, longer)
    return curve


def _grid(curves: Mapping[str, Curve], test: str) -> str:
    lines = [
        [str(epochs), *(curve[epochs].cell(test, _SCORE) for curve in curves.values())]
        for epochs in curves[_BASELINE]
    ]
    return tabulate(lines, headers=["epochs", *curves], tablefmt="pipe", disable_numparse=True)


def _gains(curves: Mapping[str, Curve], test: str) -> str:
    """Return what more epochs gain on each curve, and PDM against the baseline at each length."""
    lines = [
        f"- {label}, {more} epochs against {fewer}: {paired(curve[more], curve[fewer], test)}\n"
        for label, curve in curves.items()
        for fewer, more in pairwise(curve)
    ]
    lines += [
        f"- {label} against {_BASELINE}, {epochs} epochs: "
        f"{paired(curve[epochs], curves[_BASELINE][epochs], test)}\n"
        for label, curve in curves.items()
        if label != _BASELINE
        for epochs in curve
    ]
    return "".join(lines)


def _content(curves: Mapping[str, Curve], test: str) -> dict[str, object]:
    rows = {
        label: [
            {
                "epochs": epochs,
                "measured": row.scores.get(test, {}).get(_SCORE),
                "commands": row.commands,
            }
            for epochs, row in curve.items()
        ]
        for label, curve in curves.items()
    }
    return {"unit": "percent", "score": _SCORE, "test": test, "curves": rows}


def _draw(curves: Mapping[str, Curve], test: str, path: Path) -> None:
    from matplotlib.figure import Figure

    picture = Figure(figsize=(6, 4), layout="constrained")
    axes = picture.subplots()
    for label, curve in curves.items():
        points = {
            epochs: values
            for epochs, row in curve.items()
            if (values := row.scores.get(test, {}).get(_SCORE))
        }
        means = [fmean(values) for values in points.values()]
        spreads = [stdev(values) if len(values) > 1 else 0.0 for values in points.values()]
        axes.errorbar(list(points), means, spreads, marker="o", capsize=3, label=label)
    axes.set_xscale("log", base=2)
    ticks = list(curves[_BASELINE])
    axes.set_xticks(ticks, labels=list(map(str, ticks)))
    axes.set(xlabel="epochs of phase 1", ylabel=f"{_SCORE} on {test}, %")
    axes.legend()
    write_picture(path, picture)

"""Fig. 6: distances of random pairs across two domains, before and after PDM.

A pair is one image of the domain the model was trained on and one of a domain it has never seen.
Smaller cross-domain distances suggest a more domain-invariant feature, but so does a collapsed one.
We therefore report the ratio of cross-domain to within-domain distance; 1 means domain-invariant.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data import load_dataset
from ..errors import UserError
from . import runs
from .epochs import epochs_of_both_phases
from .measuring import settings_of
from .paper import MARKET, TABLES
from .report import made_by, write_picture, write_report
from .request import SHIFTED, Request
from .testbeds import choose_testbed

FIGURE = "fig6"
NUM_PAIRS = 10_000
_BASELINE = "ablations/baseline.yml"  # for the epochs of both phases
_MODELS = {"baseline": _BASELINE, "baseline + PDM": "ablations/table4_e.yml"}
_DOMAINS = {"paper": ("GenePerson", MARKET), "embedded": ("GenePersonToy", SHIFTED)}
_MODEL = "model_final.pth"
_MAX_IMAGES = 2_000  # of each domain; pairs are drawn among them


def figure_report(request: Request) -> str:
    """Return mean and deviation of the distances as Markdown.

    If the request names an output file, write it, and a PNG of the two histograms next to it.

    Raises:
        UserError: settings that cannot be used, or more than one seed.
    """
    if request.num_seeds != 1:
        raise UserError(f"--seeds is {request.num_seeds}: {FIGURE} shows one run of each model")
    domains = _DOMAINS[request.testbed]
    lines = [f"## Fig. 6: {NUM_PAIRS} random pairs of {' and '.join(domains)}", ""]
    distances = {}
    for label, config in _MODELS.items():
        try:
            source, target = _features(_plan(config, request), domains, train=request.train)
        except runs.NotAvailableError as error:
            lines.append(f"- {label}: not available: {error}")
            continue
        distances[label] = across = _distances(source, target)
        within = np.concatenate([_distances(source, source), _distances(target, target)])
        lines.append(
            f"- {label}: mean distance {across.mean():.3f}, standard deviation "
            f"{across.std():.3f}; {across.mean() / within.mean():.3f} times the mean distance "
            "within the two domains"
        )
    text = "\n".join(lines) + "\n" + made_by(request)
    if request.output is not None:
        content = {label: _histogram(values) for label, values in distances.items()}
        facts = {"pairs": NUM_PAIRS, "domains": domains, "distances": content}
        write_report(request.output, text, facts)
        if distances:
            _draw(distances, request.output.with_suffix(".png"))
    return text


def _plan(config: str, request: Request) -> runs.Run:
    testbed = choose_testbed(request.testbed, TABLES["table4"])
    config_file, opts = settings_of(config, testbed, request)
    longer = epochs_of_both_phases(config_file, opts) if config == _BASELINE else []
    return runs.plan_run(config_file, [*opts, *longer, "SEED", "0"], request.runs_dir)


def _features(run: runs.Run, domains: Sequence[str], *, train: bool) -> list[np.ndarray]:
    """Return L2-normalized features of each domain, (number of its images, d1).

    Raises:
        NotAvailableError: a data set or the model is missing.
    """
    from ..inference import load
    from ..inference.extraction import embed_files

    cfg = run.config()
    # The figure's data sets need not be those of the run.
    if missing := [name for name in domains if runs.find_dataset(cfg, name) is None]:
        raise runs.NotAvailableError(", ".join(missing))
    runs.ensure(run, train=train)
    if not (run.folder / _MODEL).is_file():
        raise runs.NotAvailableError(
            f"{run.folder / _MODEL} is missing; delete the folder to train again"
        )
    rng = np.random.default_rng(0)
    model = load(run.folder / _MODEL)
    features = []
    for name in domains:
        dataset = load_dataset(cfg, name)
        paths = sorted({item[0] for item in (*dataset.train, *dataset.gallery)})
        chosen = rng.choice(len(paths), min(_MAX_IMAGES, len(paths)), replace=False)
        features.append(embed_files(model, [paths[number] for number in sorted(chosen)]).features)
    return features


def _distances(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return (NUM_PAIRS,) Euclidean distances of random pairs, 0..2."""
    rng = np.random.default_rng(1)
    first, second = (part[rng.integers(len(part), size=NUM_PAIRS)] for part in (source, target))
    return np.linalg.norm(first - second, axis=1)


def _histogram(values: np.ndarray) -> dict[str, list[float]]:
    density, edges = np.histogram(values, bins=60, range=(0.0, 2.0), density=True)
    return {"density": density.tolist(), "edges": edges.tolist()}


def _draw(distances: dict[str, np.ndarray], path: Path) -> None:
    from matplotlib.figure import Figure

    picture = Figure(figsize=(6, 4), layout="constrained")
    axes = picture.subplots()
    for label, values in distances.items():
        axes.hist(values, bins=60, range=(0.0, 2.0), density=True, alpha=0.5, label=label)
    axes.set(xlabel="feature distance", ylabel="probability density")
    axes.legend()
    write_picture(path, picture)

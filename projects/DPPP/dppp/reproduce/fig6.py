"""Fig. 6: distances of random pairs across two domains, before and after PDM.

A pair is one image of the world the model was trained in and one of a world it never saw; the
closer the two histograms' mass moves to small distances, the less the domain shows in the feature.
A feature that makes all images alike does that too, so the distances within the domains are given
beside them: a ratio of 1 means that the domain does not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..config import load_config
from ..data import load_dataset
from ..errors import UserError
from . import runs
from .paper import MARKET, TABLES
from .pdm import both_phases
from .tables import check_output, choose_world, made_by, write

FIGURE = "fig6"
NUM_PAIRS = 10_000
_BASELINE = "ablations/baseline.yml"  # for the epochs of both phases
_MODELS = {"baseline": _BASELINE, "baseline + PDM": "ablations/table4_e.yml"}
_DOMAINS = {"paper": ("GenePerson", MARKET), "embedded": ("GenePersonToy", "GenePersonToyShifted")}
_MODEL = "model_final.pth"
_MOST_IMAGES = 2_000  # of each domain; pairs are drawn among them


def figure(
    name: str,
    world: str,
    *,
    num_seeds: int,
    runs_dir: Path,
    train: bool,
    output: Path | None,
    opts: Sequence[str],
) -> str:
    """Draw the two histograms and give mean and deviation of the distances.

    Args: as of `reproduce.table`; with `output`, a PNG goes beside the Markdown file.

    Raises:
        UserError: settings that cannot be used, or more than one seed.
    """
    if num_seeds != 1:
        raise UserError(f"--seeds is {num_seeds}: {FIGURE} shows one run of each model")
    check_output(output)
    domains = _DOMAINS[world]
    lines = [f"## Fig. 6: {NUM_PAIRS} random pairs of {' and '.join(domains)}", ""]
    distances = {}
    for label, config in _MODELS.items():
        run = _run(config, world, runs_dir.resolve(), opts)
        reason = _missing(run, domains) or runs.ensure(run, train)
        if reason is None and not (run.folder / _MODEL).is_file():
            reason = f"{run.folder / _MODEL} is gone; delete the folder to train again"
        if reason is None:
            source, target = _features(run, domains)
            distances[label] = across = _distances(source, target)
            within = np.concatenate([_distances(source, source), _distances(target, target)])
            lines.append(
                f"- {label}: mean distance {across.mean():.3f}, standard deviation "
                f"{across.std():.3f}; {across.mean() / within.mean():.3f} times the mean distance "
                "within the two domains"
            )
        else:
            lines.append(f"- {label}: not available: {reason}")
    text = "\n".join(lines) + "\n" + made_by(name, world, num_seeds, opts)
    if output is not None:
        content = {label: _histogram(values) for label, values in distances.items()}
        write(output, text, {"pairs": NUM_PAIRS, "domains": domains, "distances": content})
        if distances:
            _draw(distances, output.with_suffix(".png"))
    return text


def _run(config: str, world: str, runs_dir: Path, opts: Sequence[str]) -> runs.Run:
    base = choose_world(world, TABLES["table4"]).base
    config_file = runs.CONFIGS / (base or config)
    longer = both_phases(config_file, opts) if config == _BASELINE else []
    row = runs.row_opts(config) if base else []
    return runs.plan_run(config_file, [*row, *opts, *longer, "SEED", "0"], runs_dir)


def _missing(run: runs.Run, domains: Sequence[str]) -> str | None:
    """Name the data sets of the figure that are not there; they need not be those of the run."""
    cfg = load_config(str(run.config_file), list(run.opts))
    return ", ".join(name for name in domains if not runs.is_there(cfg, name)) or None


def _features(run: runs.Run, domains: Sequence[str]) -> list[np.ndarray]:
    """L2-normalised features of each domain, (number of its images, d1)."""
    from ..inference import load
    from ..inference.extraction import embed_files

    cfg = load_config(str(run.config_file), list(run.opts))
    rng = np.random.default_rng(0)
    model = load(run.folder / _MODEL)
    features = []
    for name in domains:
        dataset = load_dataset(cfg, name)
        paths = sorted({item[0] for item in (*dataset.train, *dataset.gallery)})
        chosen = rng.choice(len(paths), min(_MOST_IMAGES, len(paths)), replace=False)
        features.append(embed_files(model, [paths[number] for number in sorted(chosen)]).features)
    return features


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(NUM_PAIRS,) Euclidean distances of random pairs, 0..2."""
    rng = np.random.default_rng(1)
    first, second = (part[rng.integers(len(part), size=NUM_PAIRS)] for part in (one, other))
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
    picture.savefig(path, dpi=150)

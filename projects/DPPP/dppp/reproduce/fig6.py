"""Fig. 6: distances of random pairs across two domains, before and after PDM.

A pair is one image of the world the model was trained in and one of a world it never saw; the
closer the two histograms' mass moves to small distances, the less the domain shows in the feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.loaders import load_dataset
from ..engine.setup import load_config
from ..errors import UserError
from . import runs
from .paper import MARKET
from .reproduce import check_output, write

FIGURE = "fig6"
NUM_PAIRS = 10_000
_MODELS = {"baseline": "ablations/baseline.yml", "baseline + PDM": "ablations/table4_e.yml"}
_DOMAINS = {"paper": ("GenePerson", MARKET), "embedded": ("GenePersonToy", "GenePersonToyShifted")}
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
        reason = runs.ensure(run, train)
        if reason is None:
            distances[label] = _distances(run, *domains)
            mean, deviation = distances[label].mean(), distances[label].std()
            lines.append(f"- {label}: mean distance {mean:.3f}, standard deviation {deviation:.3f}")
        else:
            lines.append(f"- {label}: not available: {reason}")
    text = "\n".join(lines) + "\n"
    if output is not None:
        content = {label: _histogram(values) for label, values in distances.items()}
        write(output, text, {"pairs": NUM_PAIRS, "domains": domains, "distances": content})
        if distances:
            _draw(distances, output.with_suffix(".png"))
    return text


def _run(config: str, world: str, runs_dir: Path, opts: Sequence[str]) -> runs.Run:
    own = [*opts, "SEED", "0"]
    if world == "embedded":
        return runs.plan_run(
            runs.CONFIGS / "quickstart.yml", [*runs.row_opts(config), *own], runs_dir
        )
    return runs.plan_run(runs.CONFIGS / config, own, runs_dir)


def _distances(run: runs.Run, source: str, target: str) -> np.ndarray:
    """(NUM_PAIRS,) Euclidean distances of L2-normalised features, 0..2."""
    from ..inference import load
    from ..inference.extraction import embed_files

    cfg = load_config(str(run.config_file), list(run.opts))
    rng = np.random.default_rng(0)
    model = load(run.folder / "model_final.pth")
    features = []
    for name in (source, target):
        dataset = load_dataset(cfg, name)
        paths = sorted({item[0] for item in (*dataset.train, *dataset.gallery)})
        chosen = rng.choice(len(paths), min(_MOST_IMAGES, len(paths)), replace=False)
        features.append(embed_files(model, [paths[number] for number in sorted(chosen)]).features)
    pairs = [part[rng.integers(len(part), size=NUM_PAIRS)] for part in features]
    return np.linalg.norm(pairs[0] - pairs[1], axis=1)


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

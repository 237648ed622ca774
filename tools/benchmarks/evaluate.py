"""Ranking: our ``evaluate_rank`` beside FastReID's two evaluators, at Market-1501's size.

Distances are random, smaller between images of one identity, and labels uniform. FastReID's
evaluator in Python takes a minute, so it runs once; its compiled one is built in a temporary folder
if there is a compiler. The limit is one look at each distance and label. --msmt17 ranks features of
MSMT17's size instead, once, and prints the peak memory of the process.
"""

import argparse
import importlib.util
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from benchmarks.measuring import Comparison, Limit, Way, compare, timed
from dppp.evaluation import DistanceRows, evaluate_rank

CLOSER = 0.3  # subtracted from distances in [0, 1) between images of one identity
MAX_RANK = 50
MSMT17 = {"queries": 11_659, "gallery": 82_161, "identities": 3_060, "cameras": 15}
FEATURE_WIDTH = 512
COMPILED = "FastReID, compiled"
ROUNDING = 1e-5  # of scores in 0..1; the compiled evaluator computes them in float32
Labels = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Scores = tuple[np.ndarray, np.ndarray, np.ndarray]
Evaluator = Callable[..., Scores]


def run(args: argparse.Namespace) -> list[Comparison]:
    """Time the evaluators, or rank once at MSMT17's size."""
    if args.msmt17:
        return [_measure_memory()]
    labels = random_labels(args.queries, args.gallery, args.identities, args.cameras)
    return [_compare_evaluators(random_distances(labels), labels, args.rounds)]


def random_labels(queries: int, gallery: int, identities: int, cameras: int) -> Labels:
    """Return q_pids, g_pids, q_camids, g_camids."""
    rng = np.random.default_rng(0)
    pids = rng.integers(0, identities, queries), rng.integers(0, identities, gallery)
    return *pids, rng.integers(0, cameras, queries), rng.integers(0, cameras, gallery)


def random_distances(labels: Labels) -> np.ndarray:
    """Return distances (queries, gallery) in [-0.3, 1), float32."""
    q_pids, g_pids, _, _ = labels
    distances = np.random.default_rng(1).random((len(q_pids), len(g_pids)), dtype=np.float32)
    for row, pid in zip(distances, q_pids, strict=True):
        row[g_pids == pid] -= CLOSER
    return distances


def _compare_evaluators(distances: np.ndarray, labels: Labels, rounds: int) -> Comparison:
    scores: dict[str, Scores] = {}

    def rank(name: str, evaluate: Evaluator) -> None:
        scores[name] = evaluate(distances, *labels, MAX_RANK)

    with tempfile.TemporaryDirectory() as folder:
        evaluators = {"FastReID, Python": _upstream()}
        compiled = _upstream_compiled(Path(folder))
        if compiled:
            evaluators[COMPILED] = compiled
        evaluators["dppp"] = evaluate_rank
        queries, gallery = distances.shape
        look = queries / min(timed(partial(_look, distances, labels)) for _ in range(3))
        table = compare(
            [
                Way(name=name, run=partial(rank, name, one), is_slow=name == "FastReID, Python")
                for name, one in evaluators.items()
            ],
            title=f"Ranking, {queries:,} queries, {gallery:,} gallery images",
            unit="queries",
            work=queries,
            rounds=rounds,
            limit=Limit(name=f"{look:,.0f} queries/s (looking alone)", rate=look),
        )
    ours = scores.pop("dppp")
    for name, theirs in scores.items():
        off = max(float(np.abs(one - two).max()) for one, two in zip(ours, theirs, strict=True))
        assert off < ROUNDING, f"{name}: CMC, AP or INP differ by {off}"
        table.notes.append(f"{name}: CMC, AP and INP of each query are ours within {off:.0e}.")
    if not compiled:
        table.notes.append(f"{COMPILED}: not available, no compiler or no Cython.")
    return table


def _look(distances: np.ndarray, labels: Labels) -> None:
    q_pids, g_pids, q_cameras, g_cameras = labels
    for row, pid, camera in zip(distances, q_pids, q_cameras, strict=True):
        row.min(), g_pids == pid, g_cameras == camera


def _upstream() -> Evaluator:
    """Return FastReID's evaluator in Python."""
    from fastreid.evaluation.rank import evaluate_rank as upstream

    return partial(upstream, use_cython=False)


def _upstream_compiled(folder: Path) -> Evaluator | None:
    """Return FastReID's compiled evaluator; None if it cannot be compiled."""
    import fastreid

    source = Path(fastreid.__file__).parent / "evaluation" / "rank_cylib"
    copy = Path(shutil.copytree(source, folder / "rank_cylib"))
    build = [sys.executable, "setup.py", "build_ext", "--inplace"]
    if subprocess.run(build, cwd=copy, capture_output=True).returncode:
        return None
    return _import_file(next(copy.glob("rank_cy*.so"))).evaluate_cy


def _import_file(path: Path) -> ModuleType:
    loader = ExtensionFileLoader("rank_cy", str(path))
    spec = ModuleSpec("rank_cy", loader, origin=str(path))
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _measure_memory() -> Comparison:
    labels = random_labels(**MSMT17)
    q_pids, g_pids, _, _ = labels
    generator = torch.Generator().manual_seed(0)
    people = torch.randn(MSMT17["identities"], FEATURE_WIDTH, generator=generator)
    query, gallery = (
        people[torch.from_numpy(pids)]
        + 4 * torch.randn(len(pids), FEATURE_WIDTH, generator=generator)
        for pids in (q_pids, g_pids)
    )
    rows = DistanceRows(query, gallery, "cosine")
    table = compare(
        [Way(name="dppp", run=lambda: evaluate_rank(rows, *labels), is_slow=True)],
        title=f"Ranking, {len(q_pids):,} queries, {len(g_pids):,} gallery images, from features",
        unit="queries",
        work=len(q_pids),
        rounds=1,
    )
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9  # Linux: in KiB
    table.notes.append(f"Peak memory of the process: {peak_gb:.2f} GB.")
    return table

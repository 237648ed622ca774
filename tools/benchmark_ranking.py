#!/usr/bin/env python
"""Time ranking against FastReID's two evaluators, on distances of Market-1501's size.

benchmark_ranking.py [--queries N] [--gallery N] [--identities N] [--cameras N]
benchmark_ranking.py --msmt17

The distances are random, smaller between images of one identity; the labels are uniform. The best
of three runs counts, except for FastReID's Python evaluator, which takes a minute and runs once.
Its Cython evaluator is compiled in a temporary folder if there is a compiler. --msmt17 ranks
features of MSMT17's size instead and prints the peak memory of the process.
"""

import argparse
import importlib.util
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from pathlib import Path
from types import ModuleType

import fastreid
import numpy as np
import torch
from tabulate import tabulate

import dppp  # noqa: F401  makes fastreid importable
from dppp.evaluation import DistanceRows, evaluate_rank
from dppp_commands.command_line import Parser, run

CLOSER = 0.3  # subtracted from distances in [0, 1) between images of one identity
MSMT17 = {"queries": 11_659, "gallery": 82_161, "identities": 3_060, "cameras": 15}
FEATURE_WIDTH = 512
Labels = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments."""
    parser = Parser(description="Time ranking against FastReID's evaluators.")
    parser.add_argument("--queries", type=int, default=3_368, help="default 3368")
    parser.add_argument("--gallery", type=int, default=15_913, help="images, default 15913")
    parser.add_argument("--identities", type=int, default=751, help="default 751")
    parser.add_argument("--cameras", type=int, default=6, help="default 6")
    parser.add_argument("--msmt17", action="store_true", help="memory at MSMT17's size instead")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Print the comparison, or the memory; return the exit status."""
    args = parse(arguments)
    if args.msmt17:
        measure_memory()
    else:
        compare(args.queries, args.gallery, args.identities, args.cameras)
    return 0


def compare(queries: int, gallery: int, identities: int, cameras: int) -> None:
    """Print the seconds of each evaluator and its ratio to ours."""
    labels = random_labels(queries, gallery, identities, cameras)
    q_pids, g_pids, _, _ = labels
    distances = np.random.default_rng(1).random((queries, gallery), dtype=np.float32)
    for row, pid in zip(distances, q_pids, strict=True):
        row[g_pids == pid] -= CLOSER

    runs = {"dppp.evaluation.evaluate_rank": timed(evaluate_rank, distances, *labels, runs=3)}
    runs["FastReID, Python"] = timed(fastreid_python(), distances, *labels)
    with tempfile.TemporaryDirectory() as folder:
        compiled = fastreid_cython(Path(folder))
        if compiled:
            runs["FastReID, Cython"] = timed(compiled, distances, *labels, 50, runs=3)

    ours = runs["dppp.evaluation.evaluate_rank"][0]
    rows = [
        [name, f"{seconds:.2f}", f"{seconds / ours:.1f}", f"{100 * mean_ap:.4f}"]
        for name, (seconds, mean_ap) in runs.items()
    ]
    if not compiled:
        rows.append(["FastReID, Cython", "not available: no compiler or no Cython", "", ""])
    print(f"{queries} queries, {gallery} gallery images, {torch.get_num_threads()} threads\n")
    headers = ["Evaluator", "Seconds", "Times ours", "mAP"]
    print(tabulate(rows, headers, tablefmt="pipe", disable_numparse=True))


def random_labels(queries: int, gallery: int, identities: int, cameras: int) -> Labels:
    """Return q_pids, g_pids, q_camids, g_camids."""
    rng = np.random.default_rng(0)
    pids = rng.integers(0, identities, queries), rng.integers(0, identities, gallery)
    return *pids, rng.integers(0, cameras, queries), rng.integers(0, cameras, gallery)


def timed(evaluate: Callable, *arguments: object, runs: int = 1) -> tuple[float, float]:
    """Return the seconds of the fastest of ``runs`` calls, and the mAP."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        _, precisions, _ = evaluate(*arguments)
        seconds.append(time.perf_counter() - start)
    return min(seconds), float(np.mean(precisions))


def fastreid_python() -> Callable:
    """Return FastReID's evaluator in Python."""
    from fastreid.evaluation.rank import evaluate_rank as upstream

    return lambda *arguments: upstream(*arguments, use_cython=False)


def fastreid_cython(folder: Path) -> Callable | None:
    """Return FastReID's compiled evaluator; None if it cannot be compiled."""
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


def measure_memory() -> None:
    """Rank features of MSMT17's size; print the seconds and the peak memory of the process."""
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
    seconds, mean_ap = timed(evaluate_rank, rows, *labels)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9  # Linux: in KiB
    print(
        f"{len(q_pids)} queries x {len(g_pids)} gallery images of {FEATURE_WIDTH} numbers: "
        f"{seconds:.0f} s, mAP {100 * mean_ap:.1f}, peak memory {peak_gb:.2f} GB"
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    run(main, stopped="stopped")

"""People cut out of cells of noise: by rembg, by ours one at a time, and by ours in batches."""

import argparse
import resource
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession
from PIL import Image

from benchmarks.measuring import Comparison, Limit, Way, compare, timed
from geneperson.compositing.batching import open_batched
from geneperson.compositing.onnx_providers import find_providers, open_session, uses_cuda
from geneperson.compositing.saliency import U2NET, SaliencyNetwork

CELL = (256, 128)  # the paper's, height and width
REFERENCE = "rembg.remove"
Masks = list[np.ndarray]


def compare_matting(args: argparse.Namespace) -> Comparison:
    """Time the three ways; the limit is the network alone."""
    providers = find_providers(args.provider)
    with tempfile.TemporaryDirectory() as folder:
        path = args.model or _random_u2net(Path(folder))
        session = open_session(str(path), providers)
        batched, at_once = open_batched(path, providers, args.batch_size, U2NET.side)
    ways: dict[str, Callable[[Sequence[np.ndarray]], Masks]] = {
        REFERENCE: _by_rembg(session),
        "geneperson, one at a time": SaliencyNetwork(session, U2NET, 1).alphas,
        f"geneperson, {at_once} at once": SaliencyNetwork(batched, U2NET, at_once).alphas,
    }
    rng = np.random.default_rng(0)
    cells = list(rng.integers(0, 256, (args.cells, *CELL, 3), np.uint8))
    masks: dict[str, Masks] = {}
    peaks_gb: dict[str, float] = {}

    def cut_out(name: str) -> None:
        masks[name] = ways[name](cells)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9  # Linux: in KiB
        peaks_gb.setdefault(name, peak)

    alone = _network_alone(session)
    place = "a GPU" if uses_cuda(providers) else "a CPU, one thread"
    table = compare(
        [Way(name=name, run=partial(cut_out, name)) for name in ways],
        title=f"Matting, {path.name} on {place}, {args.cells} cells",
        unit="cells",
        work=args.cells,
        rounds=args.rounds,
        limit=Limit(name=f"{alone:.3g} cells/s (the network alone)", rate=alone),
    )
    table.notes = [
        f"{name}: masks differ from rembg's by {_difference(masks[name], masks[REFERENCE])} of 255 "
        f"at most; peak memory of the process until then {peaks_gb[name]:.1f} GB."
        for name in ways
    ]
    return table


def _random_u2net(folder: Path) -> Path:
    from benchmarks.u2net import save_random_u2net

    return save_random_u2net(folder / "random.onnx")


def _network_alone(session: InferenceSession) -> float:
    """Return how many prepared pictures the network takes a second, one at a time."""
    pixels = {session.get_inputs()[0].name: np.zeros((1, 3, U2NET.side, U2NET.side), np.float32)}
    return 1 / min(timed(lambda: session.run(None, pixels)) for _ in range(3))


def _by_rembg(session: InferenceSession) -> Callable[[Sequence[np.ndarray]], Masks]:
    """Return rembg's own way of cutting out with an open session."""
    from rembg import remove
    from rembg.sessions.u2net import U2netSession

    ours = object.__new__(U2netSession)  # its constructor opens rembg's own file
    ours.inner_session = session
    return lambda cells: [
        np.asarray(remove(Image.fromarray(cell), session=ours, only_mask=True)) for cell in cells
    ]


def _difference(masks: Masks, others: Masks) -> int:
    pairs = zip(masks, others, strict=True)
    return max(int(np.abs(mask.astype(int) - other).max()) for mask, other in pairs)

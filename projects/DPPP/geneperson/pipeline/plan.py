"""What a build would make, need and take, before anything is drawn or downloaded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

import numpy as np
from yacs.config import CfgNode

from ..compositing import matting
from ..compositing.matting import Matting
from ..dataset.stats import PAPER_KEPT_PERCENT
from ..errors import UserError
from ..model_sources import ModelSource, role_of
from ..prompting import outfits
from ..synthesis import DrawingCost
from ..worlds.lighting import LIGHTINGS
from ..worlds.scenes import SCENES
from .crew import Resources, count_workers, refuse_unused_gpus
from .gpus import UTILIZATION, peak_tflops
from .spec import BuildSpec
from .trial import try_out

DEFAULT_GPU = "A100"

_TYPICAL_BYTES = 12_000  # of a 256 x 128 JPEG at quality 95; used if none could be measured
_PNG_BYTES_PER_PIXEL = 1.6  # of a photograph
_U2NET_SECONDS = 1.19  # a cell on one core, where it cannot be timed; docs/performance.md


def plan(cfg: CfgNode, *, gpu: str = DEFAULT_GPU, gpus: int = 0, workers: int | None = None) -> str:
    """Describe a build.

    Args:
        cfg: settings.
        gpu: name of the GPU to compute with, if this machine has none.
        gpus: how many there are to draw; 0 counts as 1.
        workers: processes that cut out and fuse; None: as many as this machine's cores can feed.

    Raises:
        UserError: settings that no build can use.
    """
    resources = Resources(workers=workers, gpus=gpus)
    spec = BuildSpec.from_config(cfg)
    refuse_unused_gpus(spec, resources)
    return "\n".join(_lines(spec, resources, gpu)) + "\n"


def _lines(spec: BuildSpec, resources: Resources, gpu: str) -> Iterator[str]:
    grid, num_identities = spec.grid, spec.num_identities
    num_images = round(num_identities * spec.num_cells * spec.limits.keep)
    yield _line(
        "identities",
        f"{num_identities} ({spec.num_train} train, {spec.num_test} test) of "
        f"{outfits.capacity(spec.words)} different outfits",
    )
    yield _line(
        "canvases",
        f"{num_identities * spec.light.per_identity} or more, {grid.columns} x {grid.rows} cells "
        f"of {grid.cell_height} x {grid.cell_width} pixels",
    )
    at_the_papers = ""
    if spec.limits.keep == 1.0:
        kept = round(num_images * PAPER_KEPT_PERCENT / 100)
        at_the_papers = f", {kept} at the paper's {PAPER_KEPT_PERCENT} %"
    yield _line("images", f"{num_images} if no cell is rejected{at_the_papers}")
    workers = count_workers(spec, resources)
    cost = spec.route.cost(grid)
    if cost is None:
        yield from _models(spec, {})
        yield from _measured(spec, workers)
    else:
        num_backgrounds = _num_backgrounds(spec)
        yield _line(
            "backgrounds",
            f"at most {num_backgrounds}, {spec.pool_size} for each scene and lighting; painted "
            "when first dealt",
        )
        yield from _models(spec, cost.download_gb)
        yield _line("memory", f"{cost.memory_gb:.0f} GB of the GPU (computed)")
        yield from _hours(spec, cost, resources, gpu=gpu, workers=workers)
        yield _disk_of_models(spec, cost, num_images=num_images, num_backgrounds=num_backgrounds)
    if spec.route.note:
        yield _line("note", " ".join(spec.route.note.split()))


def _line(name: str, text: str) -> str:
    return f"{name:<15}{text}"


def _models(spec: BuildSpec, download_gb: dict[str, float | None]) -> Iterator[str]:
    """List the models, where they are, and their licences."""
    missing: list[float | None] = []
    yield _line("models", "" if spec.route.model_sources() else "none").rstrip()
    for key, source in spec.route.model_sources().items():
        about = source.describe()
        yield f"  {role_of(key)}: {about['name']}, {about['revision']}"
        yield f"    {_where(source)}; licence: {about['licence']}"
        if not source.is_on_disk():
            missing.append(download_gb.get(key))
    if spec.matting is not None:
        yield f"  MATTING: {spec.matting.model}"
        yield f"    licence: {matting.licence(spec.matting.model)}"
    if missing:
        unknown = missing.count(None)
        yield _line(
            "download",
            f"{sum(filter(None, missing)):.1f} GB from the hub"
            + (f", and {unknown} models of unknown size" if unknown else ""),
        )


def _where(source: ModelSource) -> str:
    if source.is_local:
        return "local"
    return "in the hub's cache" if source.is_on_disk() else "to be fetched from the hub"


def _measured(spec: BuildSpec, workers: int) -> Iterator[str]:
    """Say what a build takes of which everything can be measured here."""
    trial = try_out(spec)
    num_images = spec.num_identities * trial.images
    gigabytes = num_images * (trial.image_bytes or _TYPICAL_BYTES) / 1e9
    yield _line(
        "disk",
        f"{gigabytes:.3g} GB for {num_images:.0f} images (measured on {trial.candidates} canvases)",
    )
    seconds = trial.candidate_sec * spec.num_identities / workers
    seconds += trial.background_sec * _num_dealt(_num_backgrounds(spec), num_images / workers)
    yield _line(
        "time",
        f"{_duration(seconds)} with {workers} workers ({trial.candidate_sec:.2f} s a canvas each)",
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds < 3600 else f"{seconds / 3600:.1f} hours"


def _num_dealt(num_backgrounds: int, num_images: float) -> float:
    """Return how many backgrounds a worker, who paints for itself, can expect to need."""
    return num_backgrounds * (1 - (1 - 1 / num_backgrounds) ** num_images)


def _num_backgrounds(spec: BuildSpec) -> int:
    return len(SCENES) * len(LIGHTINGS) * spec.pool_size


def _hours(
    spec: BuildSpec, cost: DrawingCost, resources: Resources, *, gpu: str, workers: int
) -> Iterator[str]:
    """Say how long each part takes, and which of them bounds."""
    num_canvases = spec.num_identities * spec.light.per_identity
    num_gpus = max(1, resources.gpus)
    measured, why_not = _measure_drawing(spec)
    seconds = measured or cost.canvas_tflop / (peak_tflops(gpu) * UTILIZATION)
    how = "measured" if measured else f"computed for {gpu.upper()} at {UTILIZATION:.0%} of its peak"
    drawing = seconds * num_canvases / num_gpus / 3600
    painting = seconds * cost.background_tflop / cost.canvas_tflop
    painting *= _num_backgrounds(spec) / num_gpus / 3600
    yield _line(
        "drawing",
        f"{drawing:.1f} hours on {num_gpus} GPU ({seconds:.1f} s and {cost.canvas_tflop:.0f} TFLOP "
        f"a canvas, {how})",
    )
    if not measured:
        yield _line("", f"not measured: {why_not}")
    yield _line("painting", f"{painting:.1f} hours for all backgrounds")
    cutting, is_on_gpu, how = _time_of_matting(spec)
    cutting *= num_canvases * spec.grid.num_cells / 3600
    if is_on_gpu:
        cutting /= num_gpus
        yield _line("cutting out", f"{cutting:.1f} hours on {num_gpus} GPU ({how})")
        longest = drawing + painting + cutting, "the GPU"
    else:
        cutting /= workers
        yield _line("cutting out", f"{cutting:.1f} hours with {workers} workers ({how})")
        longest = max((drawing + painting, "the GPU"), (cutting, "cutting out"))
    yield _line("bound by", f"{longest[1]}: {longest[0]:.1f} hours or more, as cells are rejected")


def _time_of_matting(spec: BuildSpec) -> tuple[float, bool, str]:
    """Return seconds a cell on a core or a GPU, whether on a GPU, and how that is known."""
    if spec.matting is None:
        return 0.0, False, "known from drawing"
    assumed = f"{_U2NET_SECONDS} s a cell of U2Net, assumed"
    if not spec.matting.is_on_disk():
        return _U2NET_SECONDS, False, f"{assumed}: yet to be fetched"
    try:
        session = Matting(spec.matting)
    except UserError as error:
        return _U2NET_SECONDS, False, f"{assumed}: {error}"
    cells = [np.full((spec.grid.cell_height, spec.grid.cell_width, 3), 128, np.uint8)] * 4
    session.alphas(cells)
    start = time.perf_counter()
    session.alphas(cells)
    seconds = (time.perf_counter() - start) / len(cells)
    how = f"{seconds:.2f} s a cell, measured on {session.provider}"
    return seconds, session.is_on_gpu, how


def _measure_drawing(spec: BuildSpec) -> tuple[float | None, str]:
    """Draw a batch if this machine can; return seconds a canvas, or why nothing was measured."""
    reason = spec.route.why_not_measurable()
    if reason is not None:
        return None, reason
    try:
        synthesizer = spec.build_synthesizer(offline=True)
    except UserError as error:
        return None, str(error)
    batch = list(islice(spec.identities(), spec.route.batch_size))
    synthesizer.characters(batch)  # the first batch compiles and warms up
    start = time.perf_counter()
    synthesizer.characters(batch)
    return (time.perf_counter() - start) / len(batch), ""


def _disk_of_models(
    spec: BuildSpec, cost: DrawingCost, *, num_images: int, num_backgrounds: int
) -> str:
    """Say what the files of a build that a model draws need."""
    grid = spec.grid
    image_bytes = _TYPICAL_BYTES * grid.cell_height * grid.cell_width / (256 * 128)
    parts = [f"{num_images * image_bytes / 1e9:.2f} GB for every cell's image"]
    pictures = num_backgrounds * cost.background_pixels * _PNG_BYTES_PER_PIXEL
    parts.append(f"{pictures / 1e9:.2f} GB for backgrounds")
    if spec.keep_canvases:
        canvases = spec.num_identities * spec.light.per_identity
        kept = canvases * grid.size[0] * grid.size[1] * _PNG_BYTES_PER_PIXEL
        parts.append(f"{kept / 1e9:.2f} GB for canvases")
    return _line("disk", f"{', '.join(parts)} ({image_bytes / 1000:.0f} kB an image assumed)")

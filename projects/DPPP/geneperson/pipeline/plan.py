"""What a build would make, need and take, before anything is drawn or downloaded."""

from __future__ import annotations

import time
from itertools import islice

from yacs.config import CfgNode

from ..compositing import matting
from ..dataset.stats import PAPER_KEPT_PERCENT
from ..errors import UserError
from ..model_sources import ModelSource, role_of
from ..prompting import outfits
from ..worlds.lighting import LIGHTINGS
from ..worlds.scenes import SCENES
from .candidate import CandidateMaker
from .spec import BuildSpec

_TYPICAL_BYTES = 12_000  # of a 256 x 128 JPEG at quality 95; used if none could be measured


def plan(cfg: CfgNode) -> str:
    """Describe a build.

    Raises:
        UserError: settings that no build can use.
    """
    spec = BuildSpec.from_config(cfg)
    grid, num_identities = spec.grid, spec.num_identities
    num_images = num_identities * spec.num_cells
    lines = [
        f"identities     {num_identities} ({spec.num_train} train, {spec.num_test} "
        f"test) of {outfits.capacity(spec.words)} different outfits",
        f"canvases       {num_identities * spec.light.per_identity} or more, {grid.columns} x "
        f"{grid.rows} cells of {grid.cell_height} x {grid.cell_width} pixels",
        f"images         {num_images} if every cell is kept, "
        f"{round(num_images * PAPER_KEPT_PERCENT / 100)} at the paper's {PAPER_KEPT_PERCENT} %",
    ]
    if spec.route.draws_in_workers:
        seconds, image_bytes = _measure_candidate(spec)
        hours = seconds * num_identities / 3600
        lines += [
            *_models(spec),
            _disk(num_images, image_bytes, "measured on one canvas"),
            f"time           {hours:.2f} hours with one worker ({seconds:.2f} s a canvas)",
        ]
    else:
        num_backgrounds = len(SCENES) * len(LIGHTINGS) * spec.pool_size
        image_bytes = _TYPICAL_BYTES * grid.cell_height * grid.cell_width / (256 * 128)
        lines += [
            f"backgrounds    at most {num_backgrounds}, {spec.pool_size} for each scene and "
            "lighting; painted when first dealt",
            *_models(spec),
            _disk(num_images, image_bytes, f"assuming {image_bytes / 1000:.0f} kB an image"),
            f"time           {_time_of_drawing(spec)}",
        ]
    if spec.route.note:
        lines.append(f"note           {' '.join(spec.route.note.split())}")
    return "\n".join(lines) + "\n"


def _disk(num_images: int, image_bytes: float, how: str) -> str:
    return f"disk           {num_images * image_bytes / 1e9:.2f} GB for every cell's image ({how})"


def _models(spec: BuildSpec) -> list[str]:
    """List the models, where they are, and their licences."""
    lines = []
    for key, source in spec.route.model_sources().items():
        about = source.describe()
        lines += [f"  {role_of(key)}: {about['name']}, {about['revision']}"]
        lines += [f"    {_where(source)}; licence: {about['licence']}"]
    if spec.matting is not None:
        lines += [f"  MATTING: {spec.matting.model}"]
        lines += [f"    licence: {matting.licence(spec.matting.model)}"]
    return ["models", *lines] if lines else ["models         none"]


def _where(source: ModelSource) -> str:
    if source.is_local:
        return "local"
    return "in the hub's cache" if source.is_on_disk() else "to be fetched from the hub"


def _measure_candidate(spec: BuildSpec) -> tuple[float, float]:
    """Make one candidate; return its seconds and the mean size of its images in bytes."""
    maker = CandidateMaker(spec)
    people = list(islice(spec.identities(), 2))
    maker.make(people[0])  # fills the background pool
    start = time.perf_counter()
    candidate = maker.make(people[-1])
    seconds = time.perf_counter() - start
    sizes = [len(image.jpeg) for image in candidate.images] or [_TYPICAL_BYTES]
    return seconds, sum(sizes) / len(sizes)


def _time_of_drawing(spec: BuildSpec) -> str:
    """Draw a batch if this machine can; otherwise say why nothing was measured."""
    reason = spec.route.why_not_measurable()
    if reason is not None:
        return f"not measured: {reason}"
    try:
        synthesizer = spec.build_synthesizer(offline=True)
    except UserError as error:
        return f"not measured: {error}"
    batch = list(islice(spec.identities(), spec.route.batch_size))
    synthesizer.characters(batch)  # the first batch compiles and warms up
    start = time.perf_counter()
    synthesizer.characters(batch)
    seconds = (time.perf_counter() - start) / len(batch)
    hours = seconds * spec.num_identities * spec.light.per_identity / 3600
    return f"{hours:.1f} hours of drawing ({seconds:.2f} s a canvas, measured)"

"""What a build would make, need and take, before anything is drawn or downloaded."""

from __future__ import annotations

import time

from yacs.config import CfgNode

from .. import config
from ..compositing import matting
from ..dataset.stats import PAPER_KEPT_PERCENT
from ..errors import UserError
from ..extras import require
from ..model_sources import ModelSource
from ..posing.cells import cell_poses
from ..prompting import prompts, vocabulary
from ..synthesis import check_name, draws_in_workers
from ..worlds.catalogue import get_world
from ..worlds.lighting import LIGHTINGS
from ..worlds.scenes import SCENES
from .candidate import CandidateMaker

_TYPICAL_BYTES = 12_000  # of a 256 x 128 JPEG at quality 95; only where none could be measured


def plan(cfg: CfgNode) -> str:
    """Describe a build.

    Raises:
        UserError: settings that no build can use.
    """
    config.check(cfg)
    get_world(cfg.WORLD)
    check_name(cfg.SYNTHESIS.NAME)
    cell_poses(cfg)
    words = vocabulary.load(cfg.VOCABULARY.FILE)
    num_identities = cfg.IDENTITIES.TRAIN + cfg.IDENTITIES.TEST
    prompts.check_capacity(words, num_identities)
    height, width = cfg.CANVAS.CELL_SIZE
    columns, rows = cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS
    num_images = num_identities * columns * rows
    lines = [
        f"identities     {num_identities} ({cfg.IDENTITIES.TRAIN} train, {cfg.IDENTITIES.TEST} "
        f"test) of {prompts.capacity(words)} different outfits",
        f"canvases       {num_identities} or more, {columns} x {rows} cells of {height} x {width} "
        "pixels",
        f"images         {num_images} if every cell is kept, "
        f"{round(num_images * PAPER_KEPT_PERCENT / 100)} at the paper's {PAPER_KEPT_PERCENT} %",
    ]
    if draws_in_workers(cfg.SYNTHESIS.NAME):
        seconds, image_bytes = _measure_candidate(cfg, words)
        lines += ["models         none", _disk(num_images, image_bytes, "measured on one canvas")]
        hours = seconds * num_identities / 3600
        lines += [f"time           {hours:.2f} hours with one worker ({seconds:.2f} s a canvas)"]
    else:
        num_scenes = len(SCENES) * len(LIGHTINGS) * cfg.SCENES.POOL_SIZE
        image_bytes = _TYPICAL_BYTES * height * width / (256 * 128)
        lines += [
            f"backgrounds    {num_scenes}, {cfg.SCENES.POOL_SIZE} for each scene and lighting",
            *_models(cfg),
            _disk(num_images, image_bytes, f"assuming {image_bytes / 1000:.0f} kB an image"),
            _measure_canvas(cfg, num_identities),
        ]
    return "\n".join(lines) + "\n"


def _disk(num_images: int, image_bytes: float, how: str) -> str:
    return f"disk           {num_images * image_bytes / 1e9:.2f} GB for every cell's image ({how})"


def _models(cfg: CfgNode) -> list[str]:
    """List the models, where they are, and their licences."""
    from ..synthesis.diffusion.sdxl import WHAT, model_sources

    require("huggingface_hub", WHAT)
    lines = ["models"]
    for key, source in model_sources(cfg.DIFFUSION).items():
        about = source.describe()
        lines += [f"  {key.removeprefix('DIFFUSION.')}: {about['name']}, {about['revision']}"]
        lines += [f"    {_where(source)}; licence: {about['licence']}"]
    lines += [
        f"  MATTING: {cfg.MATTING.MODEL}",
        f"    licence: {matting.licence(cfg.MATTING.MODEL)}",
    ]
    return lines


def _where(source: ModelSource) -> str:
    if source.is_local:
        return "local"
    return "in the hub's cache" if source.is_here() else "to be fetched from the hub"


def _measure_candidate(cfg: CfgNode, words: vocabulary.Vocabulary) -> tuple[float, float]:
    """Make one candidate; give its seconds and the mean size of its images in bytes."""
    maker = CandidateMaker(cfg)
    first, second = (next(stream) for stream in [prompts.identities_of(cfg, words)] * 2)
    maker.make(first)  # fills the background pool
    start = time.perf_counter()
    candidate = maker.make(second)
    seconds = time.perf_counter() - start
    sizes = [len(image.jpeg) for image in candidate.images] or [_TYPICAL_BYTES]
    return seconds, sum(sizes) / len(sizes)


def _measure_canvas(cfg: CfgNode, num_identities: int) -> str:
    """Draw a batch where a GPU and all models are there; else say why nothing was measured."""
    try:
        import torch
    except ImportError:
        return "time           not measured: torch is not installed"
    from ..synthesis.diffusion.sdxl import model_sources

    if not torch.cuda.is_available():
        return "time           not measured: no GPU here"
    if not all(source.is_here() for source in model_sources(cfg.DIFFUSION).values()):
        return "time           not measured: models are still to be fetched"
    from ..synthesis.diffusion.synthesizer import DiffusionSynthesizer

    try:
        synthesizer = DiffusionSynthesizer.from_config(cfg, offline=True)
    except UserError as error:
        return f"time           not measured: {error}"
    people = prompts.identities_of(cfg, vocabulary.load(cfg.VOCABULARY.FILE))
    batch = [next(people) for _ in range(synthesizer.batch_size)]
    synthesizer.characters(batch)  # the first batch compiles and warms up
    start = time.perf_counter()
    synthesizer.characters(batch)
    seconds = (time.perf_counter() - start) / len(batch)
    hours = seconds * num_identities / 3600
    return f"time           {hours:.1f} hours of drawing ({seconds:.2f} s a canvas, measured)"

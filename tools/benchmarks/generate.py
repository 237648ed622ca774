"""Stage 1: the procedural route, matting beside rembg, calls of networks beside diffusers.

procedural  Images of whole candidates, from the canvas to JPEG, as one worker of a build makes
            them, on one core. Backgrounds are painted before: a worker paints each once. The limit
            is encoding the same images as JPEG.
matting     Cells of noise cut out by rembg.remove and by ours, one at a time and in batches, on one
            thread of a CPU. The limit is the network alone; without --model it is a U2Net with
            random weights, which takes the time of a trained one.
calls       How often drawing a batch of canvases calls each network, counted, not timed: by the
            calls of diffusers alone and by ours. With guidance each canvas counts twice.
"""

import argparse
from itertools import islice

import cv2
import numpy as np

import geneperson
from benchmarks.measuring import Comparison, Limit, Table, Way, compare, timed
from benchmarks.options import STAGE_1
from geneperson.pipeline.candidate import CandidateMaker
from geneperson.pipeline.pools import here
from geneperson.pipeline.spec import BuildSpec

PROCEDURAL = "configs/GenePerson/procedural.yml"
DIFFUSION = ["configs/GenePerson/sdxl.yml", "configs/GenePerson/sdxl_fast.yml"]


def run(args: argparse.Namespace) -> list[Comparison | Table]:
    """Measure one subject or all."""
    tables: list[Comparison | Table] = []
    try:
        for subject in [args.only] if args.only else STAGE_1:
            tables += _measure(subject, args)
    except geneperson.UserError as error:
        args.refuse(str(error))
    return tables


def _measure(subject: str, args: argparse.Namespace) -> list[Comparison] | list[Table]:
    if subject == "procedural":
        files = args.config_file or [PROCEDURAL]
        return [_draw(path, args) for path in files]
    if subject == "matting":
        from benchmarks.matting import compare_matting

        return [compare_matting(args)]
    from benchmarks.calls import count_calls

    return count_calls(args.config_file or DIFFUSION, args.opts)


def _draw(path: str, args: argparse.Namespace) -> Comparison:
    spec = BuildSpec.from_config(
        geneperson.load(path, [*args.opts, "SYNTHESIS.NAME", "procedural"])
    )
    people = list(islice(spec.identities(), args.candidates))
    maker = CandidateMaker(spec)
    with here(lambda: maker) as worker:

        def make() -> list[bytes]:
            made = [worker.submit("make", person).result() for person in people]
            return [image.jpeg for candidate in made for image in candidate.images]

        jpegs = make()
        alone = _encoding_alone(jpegs, spec.jpeg_quality)
        return compare(
            [Way(name="geneperson", run=make)],
            title=f"Procedural route, {len(people)} candidates, {len(jpegs)} images, one core",
            unit="images",
            work=len(jpegs),
            rounds=args.rounds,
            limit=Limit(name=f"{alone:,.0f} images/s (encoding alone)", rate=alone),
        )


def _encoding_alone(jpegs: list[bytes], quality: int) -> float:
    """Return how many of these images OpenCV encodes a second."""
    coded = [np.frombuffer(jpeg, np.uint8) for jpeg in jpegs]
    images = [np.asarray(cv2.imdecode(one, cv2.IMREAD_COLOR)) for one in coded]
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]

    def encode() -> None:
        for image in images:
            cv2.imencode(".jpg", image, flags)

    return len(images) / min(timed(encode) for _ in range(3))

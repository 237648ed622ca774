"""Cost against the amount of work: seconds in several sizes, and the exponent between neighbors.

With exponent 1, ten times the work takes ten times as long. A size that takes more than 5 s is
timed once, the others in turn.

ranking     evaluate_rank, 100 queries, 20 images of each identity in the gallery
sampling    building a training sampler and taking one epoch of it, 8 images of each identity
classifier  a step of the identity head and its loss, 64 images of 512 numbers
losses      forward and backward of the contrastive and triplet losses, time and memory
step        a training step of the small CLIP
processes   a training step of the small CLIP in several processes on one machine's CPU (gloo)
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from benchmarks.evaluate import random_distances, random_labels
from benchmarks.gloo import seconds_of_a_step
from benchmarks.growing import exponents, measure_growth
from benchmarks.measuring import Table
from benchmarks.train import our_step, random_batch
from dppp.config import load_config
from dppp.data.identity_sampler import IdentitySampler
from dppp.data.sampling import EpochBatches
from dppp.device import choose_device
from dppp.engine.phases import build_phases
from dppp.evaluation import evaluate_rank
from dppp.losses import identity_loss, image_triplet_loss, supcon_loss, text_triplet_loss
from dppp.modeling.build import build_model
from dppp.modeling.identity_head import IdentityHead

if TYPE_CHECKING:
    from fastreid.config import CfgNode

WIDTH = 512
LABELED = 20  # gallery images of an identity
BATCH, INSTANCES = 64, 8
BATCH_OF_A_PROCESS = 16
LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "Contrastive loss": lambda x, t, labels: supcon_loss(x, t, labels, 0.07),
    "Text triplet loss": lambda _, t, labels: text_triplet_loss(t, labels, 0.3),
    "Image triplet loss": lambda x, _, labels: image_triplet_loss(
        x, labels, 0.3, normalize=False, hard_mining=True
    ),
}
# Subject -> sizes, and those of --quick.
SIZES: dict[str, tuple[Sequence[int], Sequence[int]]] = {
    "ranking": ((1_000, 10_000, 100_000), (1_000, 10_000)),
    "sampling": ((1_000, 10_000, 100_000), (500, 2_000)),
    "classifier": ((1_000, 10_000, 100_000), (1_000, 10_000)),
    "losses": ((16, 64, 256, 1024), (16, 64, 256)),
    "step": ((16, 32, 64), (8, 16)),
    "processes": ((1, 2, 4), (1, 2)),
}


def run(args: argparse.Namespace) -> list[Table]:
    """Measure one subject or all."""
    args.device = choose_device(args.device, "--device")
    measures = {
        "ranking": _ranking,
        "sampling": _sampling,
        "classifier": _classifier,
        "losses": _losses,
        "step": _steps,
        "processes": _processes,
    }
    tables = []
    for subject in [args.only] if args.only else SIZES:
        full, quick = SIZES[subject]
        tables += measures[subject](quick if args.quick else full, args)
    return tables


def _ranking(sizes: Sequence[int], args: argparse.Namespace) -> list[Table]:
    def prepare(gallery: int) -> Callable[[], object]:
        labels = random_labels(100, gallery, gallery // LABELED, 6)
        return partial(evaluate_rank, random_distances(labels), *labels)

    return [
        measure_growth(
            prepare,
            sizes,
            title="Ranking 100 queries",
            unit="gallery images",
            expected="1, or a little more, because near images are sorted",
            rounds=args.rounds,
        )
    ]


def _sampling(sizes: Sequence[int], args: argparse.Namespace) -> list[Table]:
    from fastreid.data.samplers import BalancedIdentitySampler

    def prepare(
        kind: type[IdentitySampler | BalancedIdentitySampler], identities: int
    ) -> Callable[[], object]:
        items = [("", pid, image) for pid in range(identities) for image in range(INSTANCES)]
        steps = len(items) // BATCH
        batches = EpochBatches(
            lambda seed: kind(items, BATCH, INSTANCES, seed=seed), steps, BATCH, seed=0
        )
        return lambda: list(islice(batches, steps))

    kinds = {
        "NaiveIdentitySampler": IdentitySampler,
        "BalancedIdentitySampler": BalancedIdentitySampler,
    }
    return [
        measure_growth(
            partial(prepare, kind),
            sizes,
            title=f"An epoch of {name}, {INSTANCES} images an identity",
            unit="identities",
            expected="1",
            rounds=args.rounds,
        )
        for name, kind in kinds.items()
    ]


def _classifier(sizes: Sequence[int], args: argparse.Namespace) -> list[Table]:
    features = torch.randn(BATCH, WIDTH, device=args.device)
    targets = torch.arange(BATCH, device=args.device) // INSTANCES

    def prepare(identities: int) -> Callable[[], None]:
        head = IdentityHead(WIDTH, identities).to(args.device)
        optimizer = torch.optim.Adam(head.parameters(), fused=True)

        def step() -> None:
            optimizer.zero_grad()
            identity_loss(head(features), targets).backward()
            optimizer.step()

        return step

    return [
        measure_growth(
            prepare,
            sizes,
            title=f"A step of the classifier, {BATCH} images of {WIDTH} numbers",
            unit="identities",
            expected="1, once the weights outweigh what a step costs anyway",
            rounds=args.rounds,
            device=args.device,
        )
    ]


def _losses(sizes: Sequence[int], args: argparse.Namespace) -> list[Table]:
    def prepare(loss: Callable[[Tensor, Tensor, Tensor], Tensor], number: int) -> Callable:
        images, texts = torch.randn(2, number, WIDTH, device=args.device)
        images.requires_grad_(), texts.requires_grad_()
        labels = torch.arange(number, device=args.device) // INSTANCES

        def both_ways() -> None:
            images.grad = texts.grad = None
            loss(images, texts, labels).backward()

        return both_ways

    return [
        measure_growth(
            partial(prepare, loss),
            sizes,
            title=f"{name}, {WIDTH} numbers an image",
            unit="images",
            expected="2 at most, every image is compared with every other",
            rounds=args.rounds,
            device=args.device,
            with_memory=True,
        )
        for name, loss in LOSSES.items()
    ]


def _steps(sizes: Sequence[int], args: argparse.Namespace) -> list[Table]:
    cfg = _config(args.config_file, args.device)

    def prepare(number: int, images: int) -> Callable[[], None]:
        batch = random_batch(images, cfg.INPUT.SIZE_TRAIN, args.device)
        return our_step(build_model(cfg), build_phases(cfg)[number - 1], cfg, batch)

    return [
        measure_growth(
            partial(prepare, phase.number),
            sizes,
            title=f"A step of phase {phase.number}, {cfg.MODEL.DPPP.CLIP_NAME}",
            unit="images",
            expected="1 at most",
            rounds=args.rounds,
            device=args.device,
        )
        for phase in build_phases(cfg)
    ]


def _processes(counts: Sequence[int], args: argparse.Namespace) -> list[Table]:
    cfg, cores = _config(args.config_file, "cpu"), len(os.sched_getaffinity(0))
    model, images = cfg.MODEL.DPPP.CLIP_NAME, BATCH_OF_A_PROCESS
    seconds = seconds_of_a_step(cfg, counts, images, args.rounds)
    columns = zip(counts, seconds, exponents(counts, seconds), strict=True)
    table = Table(
        title=f"A step of phase 1, {model}, {images} images in each process",
        headers=["processes", "seconds", "exponent"],
        rows=[[str(count), f"{sec:.3g}", exponent] for count, sec, exponent in columns],
        notes=["Expected: 0, but for what processes tell one another, if each has a core."],
    )
    if cores < max(counts):
        table.notes.append(f"{cores} cores: beyond {cores} processes they take turns, so 1.")
    return [table]


def _config(path: str, device: str) -> CfgNode:
    """Return settings of steps with random weights and Market-1501's number of identities."""
    weights = ("MODEL.DPPP.CLIP_PRETRAINED", "", "MODEL.HEADS.NUM_CLASSES", "751")
    return load_config(path, ["MODEL.DEVICE", device, *weights])

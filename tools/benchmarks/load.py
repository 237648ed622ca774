"""Batches for training, beside FastReID's: its transforms and collating in torch's DataLoader.

FastReID's own DataLoaderX needs CUDA, so it is left out. A run takes batches from a new iterator:
the start of the workers counts. The limit is what Pillow decodes on the cores that workers have.
"""

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import torch
from fastreid.config import CfgNode
from fastreid.data.build import fast_batch_collator
from fastreid.data.common import CommDataset
from fastreid.data.samplers import NaiveIdentitySampler
from fastreid.data.transforms import build_transforms
from torch.utils.data import BatchSampler, DataLoader

from benchmarks.decoders import compare_decoders
from benchmarks.measuring import Comparison, Limit, Way, compare
from benchmarks.pictures import write_pictures
from dppp.config import load_config
from dppp.data import build_train_loader
from dppp.data.workers import count_workers
from dppp.device import resolve_device

GOAL = 3_000  # images a second, of a training step on one GPU
WORKERS = 8  # that a GPU has
DECODED = 256  # files to time the decoders on, at most


def run(args: argparse.Namespace) -> list[Comparison]:
    """Time decoders, then the loaders with all workers and with one."""
    warnings.filterwarnings("ignore", message=".*(ByteStorage|TypedStorage|worker processes)")
    with tempfile.TemporaryDirectory() as folder:
        root = args.root or Path(folder) / "Pictures"
        os.environ["FASTREID_DATASETS"] = str(root.resolve().parent)
        name = str((root.name,))
        opts = ["DATASETS.MARKET_STYLE_DIRS", name, "DATASETS.NAMES", name]
        cfg = resolve_device(load_config(args.config_file, [*opts, *args.opts]))
        if args.root is None:
            write_pictures(root, args.images, args.size, cfg.DATALOADER.NUM_INSTANCE)
        train_set: CommDataset = build_train_loader(cfg).dataset
        paths = [item[0] for item in train_set.img_items[:DECODED]]
        decoders = compare_decoders(paths, args.rounds)
        rate = decoders.timings[0].rate
        loaders = [
            _compare_loaders(args, cfg, number, rate)
            for number in sorted({1, count_workers(args.workers)}, reverse=True)
        ]
    files, memory = (WORKERS * timing.rate for timing in loaders[-1].timings[1:])
    loaders[-1].notes.append(
        f"{WORKERS} times one worker: {files:,.0f} images a second from files, {memory:,.0f} from "
        f"memory; the goal of a training step is {GOAL:,}."
    )
    return [decoders, *loaders]


def _compare_loaders(
    args: argparse.Namespace, cfg: CfgNode, workers: int, decoded_a_second: float
) -> Comparison:
    loaders = {
        "FastReID": _upstream(cfg, workers),
        "dppp": _ours(cfg, workers, ""),
        "dppp, CACHE ram": _ours(cfg, workers, "ram"),
    }
    device = str(cfg.MODEL.DEVICE)
    batch, cores = cfg.SOLVER.IMS_PER_BATCH, len(os.sched_getaffinity(0))
    limit = decoded_a_second * min(max(workers, 1), cores)
    return compare(
        [Way(name=name, run=_taker(one, args.batches, device)) for name, one in loaders.items()],
        title=f"Loading, workers: {workers}, batches of {batch}",
        unit="images",
        work=args.batches * batch,
        rounds=args.rounds,
        limit=Limit(name=f"{limit:,.0f} images/s (decoding alone)", rate=limit),
        device=device,
    )


def _taker(loader: Iterable[dict], number: int, device: str) -> Callable[[], None]:
    def take() -> None:
        for batch in islice(loader, number):
            batch["images"].to(device)  # FastReID's are not there yet

    return take


def _ours(cfg: CfgNode, workers: int, cache: str) -> Iterable[dict]:
    cfg = cfg.clone()
    cfg.defrost()
    cfg.DATALOADER.NUM_WORKERS, cfg.DATALOADER.CACHE = workers, cache
    return build_train_loader(cfg)


def _upstream(cfg: CfgNode, workers: int) -> Iterable[dict]:
    """Return FastReID's batches, on the host."""
    train_set: CommDataset = build_train_loader(cfg).dataset
    items = train_set.img_items
    batch = cfg.SOLVER.IMS_PER_BATCH
    sampler = NaiveIdentitySampler(items, batch, cfg.DATALOADER.NUM_INSTANCE, seed=cfg.SEED)
    return DataLoader(
        CommDataset(items, build_transforms(cfg, is_train=True)),
        batch_sampler=BatchSampler(sampler, batch, drop_last=True),
        num_workers=workers,
        collate_fn=fast_batch_collator,
        pin_memory=torch.device(cfg.MODEL.DEVICE).type == "cuda",
    )

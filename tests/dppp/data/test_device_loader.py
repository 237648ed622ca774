"""Batches are FastReID's to the bit, whatever way they take to the device."""

import itertools
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from fastreid.config import CfgNode
from fastreid.data.build import fast_batch_collator
from fastreid.data.common import CommDataset
from fastreid.data.transforms import build_transforms

from dppp.data import build_train_loader
from dppp.data.sampling import seed_everything

MIXING = ("INPUT.AUGMIX.ENABLED", True, "INPUT.AUGMIX.PROB", 0.5, "INPUT.AUTOAUG.ENABLED", True)
ERASING = ("INPUT.REA.ENABLED", True, "INPUT.REA.PROB", 0.5)


@pytest.mark.filterwarnings("ignore::UserWarning")  # FastReID's reader of pixels is deprecated
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("opts", "dtype"),
    [((), torch.uint8), (MIXING, torch.uint8), (ERASING, torch.float32)],
    ids=["plain", "mixed", "erased"],
)
def test_batches_are_fastreids(
    quickstart: Callable[..., CfgNode], opts: tuple, dtype: torch.dtype, workers: int
) -> None:
    cfg = quickstart("DATALOADER.NUM_WORKERS", workers, "INPUT.FLIP.ENABLED", True, *opts)
    loader = build_train_loader(cfg)
    theirs = CommDataset(loader.dataset.img_items, build_transforms(cfg, is_train=True))
    batches = iter(loader)
    for items in itertools.islice(loader.batch_sampler, 4):
        batch = next(batches)
        examples = []
        for index, seed in items:
            seed_everything(seed)
            examples.append(theirs[index])
        expected = fast_batch_collator(examples)
        assert batch.keys() == expected.keys()
        assert batch["images"].dtype == torch.float32
        assert batch["images"].is_contiguous()
        for key in ("images", "targets", "camids"):
            assert torch.equal(batch[key], expected[key]), key
    assert next(iter(loader._loader))["images"].dtype == dtype  # on the way


@pytest.mark.parametrize("workers", [0, 1])
def test_loading_draws_nothing_from_the_models_generators(
    quickstart: Callable[..., CfgNode], workers: int
) -> None:
    batches = iter(build_train_loader(quickstart("DATALOADER.NUM_WORKERS", workers)))
    next(batches)  # torch's iterator takes one number when it starts, whatever the workers
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    next(batches)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states[1:]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_do_not_shift_the_models_random_numbers(
    quickstart: Callable[..., CfgNode], workers: int
) -> None:
    def numbers(workers: int) -> list[float]:
        loader = build_train_loader(quickstart("DATALOADER.NUM_WORKERS", workers))
        drawn = []
        for _ in range(2):  # phases
            torch.manual_seed(0)
            next(iter(loader))
            drawn.append(torch.rand(1).item())
        return drawn

    assert numbers(workers) == numbers(0)


@pytest.mark.gpu
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("opts", [(), ERASING], ids=["whole", "erased"])
def test_batches_on_a_gpu_are_those_of_a_cpu(
    quickstart: Callable[..., CfgNode], opts: tuple, workers: int
) -> None:
    opts = ("DATALOADER.NUM_WORKERS", workers, *opts)
    on_cpu = build_train_loader(quickstart(*opts))
    on_gpu = build_train_loader(quickstart(*opts, "MODEL.DEVICE", "cuda"))
    kept = []
    for expected, batch in itertools.islice(zip(on_cpu, on_gpu, strict=True), 12):
        busy = torch.rand(2048, 2048, device="cuda")
        for _ in range(20):  # the next copy comes while the device is not done with this batch
            busy = busy @ busy / 2048
        kept.append((expected, batch["images"] + 0 * busy[0, 0].nan_to_num(), batch))
    for expected, used, batch in kept:
        assert torch.equal(used.cpu(), expected["images"])
        for key in ("images", "targets", "camids"):
            assert batch[key].is_cuda
            assert torch.equal(batch[key].cpu(), expected[key]), key

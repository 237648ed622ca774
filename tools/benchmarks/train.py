"""A training step of each phase, beside the plain way of writing it and CLIP-ReID's.

Batches lie on the device already, images are noise and weights random; a trained model takes the
same time. The limit is the rate of plain matrix products.
"""

import argparse
import copy
from functools import partial
from itertools import repeat

import torch
from fastreid.config import CfgNode
from fastreid.utils import comm
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from benchmarks import plain
from benchmarks.measuring import Comparison, Way, compare, count_flops, matmul_limit
from dppp.config import amp_dtype, load_config
from dppp.device import resolve_device
from dppp.engine.average import WeightAverage
from dppp.engine.compiling import compiled
from dppp.engine.optimizer import build_optimizer
from dppp.engine.phases import Phase, build_phases
from dppp.engine.step import TrainStep
from dppp.errors import UserError
from dppp.modeling import CLIPDPPP
from dppp.modeling.build import build_model
from dppp.modeling.interface import ReIDModel

IDENTITIES = 751  # of Market-1501, for the classifiers


def run(args: argparse.Namespace) -> list[Comparison]:
    """Time both phases."""
    opts = ["SOLVER.AMP.ENABLED", str(args.precision == "bf16"), "SOLVER.AMP.DTYPE", "bf16"]
    opts += ["MODEL.DPPP.CLIP_PRETRAINED", "", "MODEL.HEADS.NUM_CLASSES", str(IDENTITIES)]
    cfg = resolve_device(load_config(args.config_file, [*opts, *args.opts]))
    device, dtype = str(cfg.MODEL.DEVICE), amp_dtype(cfg)
    batch = random_batch(args.batch, cfg.INPUT.SIZE_TRAIN, device)
    model = build_model(cfg)
    if not isinstance(model, CLIPDPPP):
        raise UserError(
            f"--config-file {args.config_file}: builds a {model.display_name}; the "
            "plain steps are those of CLIPDPPP"
        )
    limit = matmul_limit(dtype or torch.float32, device, width=model.towers.patch_dim)
    comparisons = []
    for phase in build_phases(cfg):
        steps = {"plain": plain_way(copy.deepcopy(model), phase.number, batch, dtype)}
        if phase.number == 1:
            steps["CLIP-ReID, stage 2"] = clip_reid(copy.deepcopy(model), batch, dtype)
        steps["dppp"] = our_step(copy.deepcopy(model), phase, cfg, batch)
        ways = [Way(name=name, run=step, flops=count_flops(step)) for name, step in steps.items()]
        if args.compile:  # the same arithmetic; torch's counter does not see compiled code
            step = our_step(copy.deepcopy(model), phase, cfg, batch, mode="default")
            ways.append(Way(name="dppp, compiled", run=step, flops=ways[-1].flops))
        comparisons.append(
            compare(
                ways,
                title=f"Phase {phase.number}, {model.display_name}, {args.batch} images, "
                f"{args.precision}",
                unit="images",
                work=args.batch,
                rounds=args.rounds,
                limit=limit,
                device=device,
            )
        )
    return comparisons


def random_batch(number: int, size: tuple[int, int], device: str) -> dict[str, Tensor]:
    """Return noise, four images of each identity."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (number, 3, *size), generator=generator).float()
    targets = torch.arange(number) // 4
    return {"images": images.to(device), "targets": targets.to(device)}


def plain_way(
    model: CLIPDPPP, number: int, batch: dict[str, Tensor], dtype: torch.dtype | None
) -> plain.Step:
    """Return a plain step of a phase; gradients reach all that has trained, used or not."""
    model.start_phase(1)
    trained = [p for p in model.parameters() if p.requires_grad]
    if number == 2:
        trained = [*model.destylization.parameters(), *model.content_head.parameters()]
        for parameter in trained:
            parameter.requires_grad_()
    model.train()
    phase = plain.phase_1 if number == 1 else plain.phase_2
    loss = partial(phase, model, model.normalize(batch["images"]), batch["targets"])
    return plain.plain_step(loss, trained, dtype, model.device.type)


def clip_reid(model: CLIPDPPP, batch: dict[str, Tensor], dtype: torch.dtype | None) -> plain.Step:
    """Return a step of CLIP-ReID's second stage, on random text features."""
    model.start_phase(1)
    heads = (model.final_head, model.projected_head)
    trained = [p for part in (model.towers.visual, *heads) for p in part.parameters()]
    model.train()
    texts = torch.randn(IDENTITIES, model.towers.feature_dim, device=model.device)
    pixels, labels = model.normalize(batch["images"]), batch["targets"]
    loss = partial(plain.clip_reid_stage_2, model, pixels, labels, texts)
    return plain.plain_step(loss, trained, dtype, model.device.type)


def our_step(
    model: ReIDModel, phase: Phase, cfg: CfgNode, batch: dict[str, Tensor], mode: str = ""
) -> plain.Step:
    """Return the step of the package's own trainer, which logs nothing here.

    In several processes, the model is wrapped as the trainer does.
    """
    model.start_phase(phase.number)
    step = TrainStep(
        model.train(),
        repeat(batch),
        amp_dtype=amp_dtype(cfg),
        log_period=10**9,
        images_per_step=len(batch["targets"]),
    )
    optimizer = build_optimizer(cfg, model)
    if comm.get_world_size() > 1:
        step.model = DistributedDataParallel(model, broadcast_buffers=False)
    called = compiled(step.model, mode, model.device.type)
    step.start_phase(phase.name, called, optimizer, WeightAverage(model, cfg.SOLVER.EMA_DECAY))
    step.iter = 0
    step.restart_data()
    return step.run_step

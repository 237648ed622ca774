"""A training step in several processes of one machine's CPU, each with a batch of its own."""

from __future__ import annotations

import json
import statistics
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.measuring import timed
from benchmarks.train import our_step, random_batch
from dppp.engine import launch
from dppp.engine.phases import build_phases
from dppp.modeling.build import build_model

if TYPE_CHECKING:
    from fastreid.config import CfgNode


def seconds_of_a_step(
    cfg: CfgNode, counts: Sequence[int], batch_size: int, rounds: int
) -> list[float]:
    """Return the median seconds of a step of phase 1 in so many processes, each on one thread.

    Args:
        cfg: a run on a CPU.
        counts: numbers of processes.
        batch_size: images of each process.
        rounds: steps that are timed, after one that is not.
    """
    threads = torch.get_num_threads()
    seconds = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "seconds.json"
            group = Namespace(
                num_gpus=count,  # FastReID's name for processes
                num_machines=1,
                machine_rank=0,
                dist_url=f"file://{folder}/meeting",
            )
            launch(partial(_time_steps, cfg, batch_size, rounds, output), group, "cpu")
            seconds.append(statistics.median(json.loads(output.read_text())))
    torch.set_num_threads(threads)  # one process is this one
    return seconds


def _time_steps(cfg: CfgNode, batch_size: int, rounds: int, output: Path, _: Namespace) -> None:
    from fastreid.utils import comm

    torch.set_num_threads(1)
    batch = random_batch(batch_size, cfg.INPUT.SIZE_TRAIN, "cpu")
    step = our_step(build_model(cfg), build_phases(cfg)[0], cfg, batch)
    step()
    seconds = [timed(step) for _ in range(rounds)]
    if comm.is_main_process():
        output.write_text(json.dumps(seconds))

"""Three steps in as many processes as torchrun starts; the loss of the last process turns bad.

Arguments: a file of a config's YAML text, a folder to write 0.pt, 1.pt ... into.
"""

import math
import sys
from argparse import Namespace
from functools import partial
from pathlib import Path

import torch
from fastreid.config import CfgNode
from fastreid.utils import comm
from torch.nn.parallel import DistributedDataParallel

from dppp.engine import launch
from line_model import batch, make_step, run


def main(args: Namespace) -> None:
    with open(args.config) as file:
        cfg = CfgNode.load_cfg(file)
    rank = comm.get_rank()
    bad = math.nan if rank == comm.get_world_size() - 1 else 0.5
    batches = [batch(rank), batch(2 + rank, other=bad), batch(4 + rank)]
    step = make_step(cfg, batches, wrap=partial(DistributedDataParallel, broadcast_buffers=False))
    states, message = run(step, range(3)), ""
    try:
        step.finite.check()
    except FloatingPointError as error:
        message = str(error)
    torch.save({"states": states, "message": message}, args.folder / f"{rank}.pt")


if __name__ == "__main__":
    config, folder = sys.argv[1:]
    arguments = Namespace(config=config, folder=Path(folder), num_gpus=1, num_machines=1)
    launch(main, arguments, "cpu")

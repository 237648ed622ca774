"""Losses and gradients of one step of each phase, in as many processes as torchrun starts.

Arguments: a file of a config's YAML text, a file of a global batch, the file to write.
"""

import sys
from argparse import Namespace

import torch
from fastreid.config import CfgNode
from fastreid.modeling.meta_arch import build_model
from fastreid.utils import comm
from torch.nn.parallel import DistributedDataParallel

from dppp.engine import launch


def main(args: Namespace) -> None:
    with open(args.config) as file:
        cfg = CfgNode.load_cfg(file)
    batch = torch.load(args.batch)
    rank, world_size = comm.get_rank(), comm.get_world_size()
    mine = {key: value.chunk(world_size)[rank] for key, value in batch.items()}
    torch.manual_seed(0)
    model = build_model(cfg)
    steps = {}
    for phase in (1, 2):
        model.start_phase(phase)
        model.train()
        model.zero_grad()
        several = world_size > 1
        wrapped = DistributedDataParallel(model, broadcast_buffers=False) if several else model
        losses = wrapped(mine)
        sum(losses.values()).backward()
        steps[phase] = {
            "losses": {name: value.item() for name, value in losses.items()},
            "gradients": {n: p.grad for n, p in model.named_parameters() if p.grad is not None},
            "statistics": {n: b.clone() for n, b in model.named_buffers() if "running" in n},
        }
    if rank == 0:
        torch.save(steps, args.output)


if __name__ == "__main__":
    config, batch, output = sys.argv[1:]
    arguments = Namespace(config=config, batch=batch, output=output, num_gpus=1, num_machines=1)
    launch(main, arguments, "cpu")

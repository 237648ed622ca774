"""One process or several: started here (``--num-gpus N``), by torchrun, or not at all.

FastReID's ``launch`` knows CUDA and NCCL only; ours takes gloo where the model is on a CPU.
"""

import argparse
import os
import sys
from collections.abc import Callable

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from fastreid.utils import comm

from ..errors import UserError

Main = Callable[[argparse.Namespace], None]


def launch(main: Main, args: argparse.Namespace, device: str) -> None:
    """Call ``main(args)`` in every process of the run.

    Args:
        main: runs in a process that belongs to the default process group, if there are several.
        args: FastReID's: ``num_gpus``, ``num_machines``, ``machine_rank``, ``dist_url``.
        device: MODEL.DEVICE; decides the backend.

    Raises:
        UserError: fewer GPUs than ``num_gpus``.
    """
    is_cuda = torch.device(device).type == "cuda"
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun has started this process
        local_size = int(os.environ["LOCAL_WORLD_SIZE"])
        _join(is_cuda, int(os.environ["LOCAL_RANK"]), local_size, "env://", -1, -1)
        main(args)
        dist.destroy_process_group()
    elif args.num_gpus * args.num_machines == 1:
        main(args)
    else:
        num_here = torch.cuda.device_count()
        if is_cuda and args.num_gpus > num_here:
            raise UserError(f"--num-gpus {args.num_gpus}: torch sees {num_here} on this machine")
        try:
            mp.spawn(_worker, (main, args, is_cuda), nprocs=args.num_gpus)
        except mp.ProcessExitedException as error:
            sys.exit(error.exit_code)  # the process has said why


def _worker(local_rank: int, main: Main, args: argparse.Namespace, is_cuda: bool) -> None:
    rank = args.machine_rank * args.num_gpus + local_rank
    world_size = args.num_gpus * args.num_machines
    _join(is_cuda, local_rank, args.num_gpus, args.dist_url, rank, world_size)
    main(args)
    dist.destroy_process_group()


def _join(
    is_cuda: bool, local_rank: int, local_size: int, url: str, rank: int, world_size: int
) -> None:
    """Join the process group, and tell FastReID which processes share this machine."""
    if is_cuda:
        torch.cuda.set_device(local_rank)
    dist.init_process_group("nccl" if is_cuda else "gloo", url, rank=rank, world_size=world_size)
    for start in range(0, dist.get_world_size(), local_size):
        group = dist.new_group(list(range(start, start + local_size)))
        if start <= dist.get_rank() < start + local_size:
            comm._LOCAL_PROCESS_GROUP = group

"""One process or several, started here (``--num-gpus N``) or by torchrun.

FastReID's ``launch`` knows only CUDA and NCCL; ours uses gloo if the model is on a CPU.
"""

import argparse
import os
import sys
from collections.abc import Callable

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from fastreid.utils import comm

from ..device import choose_device
from ..errors import UserError

Main = Callable[[argparse.Namespace], None]


def launch(main: Main, args: argparse.Namespace, device: str) -> None:
    """Call ``main(args)`` in every process of the run.

    Args:
        main: runs in a process that belongs to the default process group, if there are several;
            can be pickled, such as a ``functools.partial`` of a module's function and a config.
        args: FastReID's: ``num_gpus``, ``num_machines``, ``machine_rank``, ``dist_url``.
        device: MODEL.DEVICE; decides the backend.

    Raises:
        UserError: fewer GPUs than ``num_gpus``.
    """
    backend = "nccl" if torch.device(choose_device(device)).type == "cuda" else "gloo"
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun has started this process
        local_rank, local_size = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
        _init_process_group(backend=backend, local_rank=local_rank, url="env://")
        _tell_fastreid(local_size)
        main(args)
        dist.destroy_process_group()
    elif args.num_gpus * args.num_machines == 1:
        main(args)
    else:
        num_gpus = torch.cuda.device_count()
        if backend == "nccl" and args.num_gpus > num_gpus:
            raise UserError(f"--num-gpus {args.num_gpus}: torch sees {num_gpus} on this machine")
        try:
            mp.spawn(_worker, (main, args, backend), nprocs=args.num_gpus)
        except mp.ProcessExitedException as error:
            sys.exit(error.exit_code)  # the process has said why


def _worker(local_rank: int, main: Main, args: argparse.Namespace, backend: str) -> None:
    _init_process_group(
        backend=backend,
        local_rank=local_rank,
        url=args.dist_url,
        rank=args.machine_rank * args.num_gpus + local_rank,
        world_size=args.num_gpus * args.num_machines,
    )
    _tell_fastreid(args.num_gpus)
    main(args)
    dist.destroy_process_group()


def _init_process_group(
    *, backend: str, local_rank: int, url: str, rank: int = -1, world_size: int = -1
) -> None:
    """Join the default process group; -1: the environment says which rank of how many."""
    if backend == "nccl":
        torch.cuda.set_device(local_rank)
    dist.init_process_group(backend, url, rank=rank, world_size=world_size)


def _tell_fastreid(local_size: int) -> None:
    """Tell FastReID which processes share this machine, of which each runs ``local_size``."""
    for start in range(0, dist.get_world_size(), local_size):
        group = dist.new_group(list(range(start, start + local_size)))
        if start <= dist.get_rank() < start + local_size:
            comm._LOCAL_PROCESS_GROUP = group

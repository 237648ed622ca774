"""Set-up of a process: logging, and a copy of the config in the output folder."""

import argparse
import logging
import os
from pathlib import Path

import torch
from fastreid.config import CfgNode
from fastreid.utils import comm
from fastreid.utils.collect_env import collect_env_info
from fastreid.utils.logger import setup_logger

from ..files import whole_file


def prepare(cfg: CfgNode, args: argparse.Namespace) -> None:
    """Do what FastReID's ``default_setup`` does, but leave the seeds alone.

    ``default_setup`` seeds every generator from the clock and logs that number. The trainer seeds
    them with SEED, the only seed of a run.

    Args:
        cfg: the run's.
        args: the command line: ``config_file``, ``eval_only``.
    """
    # FastReID's report on the environment makes torch look for a CUDA compiler, and complain.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    os.makedirs(cfg.OUTPUT_DIR, exist_ok=True)
    logger = setup_logger(cfg.OUTPUT_DIR, distributed_rank=comm.get_rank())
    logger.info(
        "Rank of current process: %d. World size: %d", comm.get_rank(), comm.get_world_size()
    )
    logger.info("Environment info:\n%s", collect_env_info())
    logger.info("Command line arguments: %s", args)
    if args.config_file:
        text = Path(args.config_file).read_text(encoding="utf-8")
        logger.info("Contents of args.config_file=%s:\n%s", args.config_file, text)
    logger.info("Running with full config:\n%s", cfg)
    if comm.is_main_process():
        path = Path(cfg.OUTPUT_DIR, "config.yaml").absolute()
        with whole_file(path) as temporary:
            temporary.write_text(cfg.dump(), encoding="utf-8")
        logger.info("Full config saved to %s", path)
    set_backends(cfg, eval_only=args.eval_only)


def set_backends(cfg: CfgNode, *, eval_only: bool) -> None:
    """Tell torch what a GPU may do to be fast."""
    torch.backends.cuda.matmul.allow_tf32 = cfg.TF32
    torch.backends.cudnn.allow_tf32 = cfg.TF32  # True in torch
    if not eval_only:
        torch.backends.cudnn.benchmark = cfg.CUDNN_BENCHMARK

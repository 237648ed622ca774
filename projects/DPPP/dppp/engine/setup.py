"""FastReID's set-up of a process: logging, and a copy of the config in the output folder."""

import argparse
import logging

from fastreid.config import CfgNode
from fastreid.engine import default_setup


def prepare(cfg: CfgNode, args: argparse.Namespace) -> None:
    """FastReID's logging and copy of the config; the trainer seeds itself with SEED."""
    # FastReID's report on the environment makes torch look for a CUDA compiler, and complain.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    default_setup(cfg, args)

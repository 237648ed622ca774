"""Train or evaluate: FastReID's command line, with DPPP's data sets, models and phases.

dppp-train --config-file F [--eval-only] [--resume] [--num-gpus N] [KEY VALUE ...]

Exit status 0: done; 1: a loss is not finite, or a process that loads images was killed; 2: a
mistake, in one line; 130: interrupted.
"""

import argparse
import sys
from functools import partial
from typing import NoReturn

from fastreid.config import CfgNode
from fastreid.engine import default_argument_parser

from ..command_line import Parser, run, status_of
from ..config import load_config
from ..engine import DPPPTrainer, evaluate, launch, prepare

_STOPPED = "stopped; add --resume to the same command to resume from the last checkpoint"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read FastReID's own arguments."""
    parser = Parser(
        description="Train or evaluate a model.",
        parents=[default_argument_parser()],
        add_help=False,  # the parent has it
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Start the processes of a run; return the exit status."""
    args = parse(arguments)
    cfg = load_config(args.config_file, args.opts)
    launch(partial(_process, cfg), args, cfg.MODEL.DEVICE)
    return 0


def _process(cfg: CfgNode, args: argparse.Namespace) -> None:
    """Run one of the processes; each reports its own mistakes and exits with their status."""
    status = status_of(partial(_train, cfg, args), _STOPPED)
    if status:
        sys.exit(status)


def _train(cfg: CfgNode, args: argparse.Namespace) -> int:
    prepare(cfg, args)
    if args.eval_only:
        evaluate(cfg)
        return 0
    trainer = DPPPTrainer(cfg)
    trainer.resume_or_load(resume=args.resume)
    trainer.train()
    return 0


def entry() -> NoReturn:
    """Run the process's command line."""
    run(main, stopped=_STOPPED)

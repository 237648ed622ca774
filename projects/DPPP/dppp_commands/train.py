"""Train or evaluate: FastReID's command line, with DPPP's data sets, models and phases.

dppp-train --config-file F [--eval-only] [--resume] [--num-gpus N] [KEY VALUE ...]

Exit status 0: done; 1: a loss is not finite, or a process that loads images was killed; 2: a
mistake, in one line; 130: interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from .command_line import Parser, run, status_of

if TYPE_CHECKING:
    from fastreid.config import CfgNode

_STOPPED = "stopped; add --resume to the same command to resume from the last checkpoint"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments of FastReID's ``default_argument_parser``, which is slow to import."""
    parser = Parser(description="Train or evaluate a model.")
    parser.add_argument("--config-file", default="", metavar="FILE", help="config of the run")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint in OUTPUT_DIR"
    )
    parser.add_argument("--eval-only", action="store_true", help="score MODEL.WEIGHTS only")
    parser.add_argument("--num-gpus", type=int, default=1, help="per machine (default 1)")
    parser.add_argument("--num-machines", type=int, default=1, help="of the run (default 1)")
    parser.add_argument("--machine-rank", type=int, default=0, help="of this one (default 0)")
    port = 2**15 + 2**14 + os.getuid() % 2**14  # two users of a machine have different ones
    parser.add_argument(
        "--dist-url",
        default=f"tcp://127.0.0.1:{port}",
        help="where the first process listens (default: this machine)",
    )
    parser.add_argument(
        "opts", nargs=argparse.REMAINDER, metavar="KEY VALUE", help="settings to override, last"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Start the processes of a run; return the exit status."""
    args = parse(arguments)
    from dppp.config import load_config
    from dppp.engine import launch

    cfg = load_config(args.config_file, args.opts)
    launch(partial(_process, cfg), args, cfg.MODEL.DEVICE)
    return 0


def _process(cfg: CfgNode, args: argparse.Namespace) -> None:
    """Run one of the processes; each reports its own mistakes and exits with their status."""
    status = status_of(partial(_train, cfg, args), _STOPPED)
    if status:
        sys.exit(status)


def _train(cfg: CfgNode, args: argparse.Namespace) -> int:
    from dppp.engine import DPPPTrainer, evaluate, prepare

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

#!/usr/bin/env python
"""Train or evaluate: FastReID's command line, with DPPP's data sets, models and phases."""

import argparse
import sys

try:
    import dppp
except ImportError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

from fastreid.engine import default_argument_parser

from dppp.config import load_config
from dppp.engine import DPPPTrainer, evaluate, launch, prepare
from dppp.errors import one_line


def main(args: argparse.Namespace) -> None:
    """What each process of a run does; a mistake is one line and a status, in any of them."""
    try:
        cfg = load_config(args.config_file, args.opts)
        prepare(cfg, args)
        if args.eval_only:
            evaluate(cfg)
            return
        trainer = DPPPTrainer(cfg)
        trainer.resume_or_load(resume=args.resume)
        trainer.train()
    except dppp.UserError as error:
        leave(f"error: {one_line(error)}", 2)
    except FloatingPointError as error:
        leave(f"error: {error}", 1)
    except KeyboardInterrupt:
        leave("stopped; the same command with --resume goes on from the last checkpoint", 130)


def leave(message: str, status: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    arguments = default_argument_parser().parse_args()
    try:
        device = load_config(arguments.config_file, arguments.opts).MODEL.DEVICE
        launch(main, arguments, device)
    except dppp.UserError as error:
        leave(f"error: {error}", 2)

#!/usr/bin/env python
"""Train or evaluate: FastReID's command line, with DPPP's data sets, models and phases."""

import argparse
import logging
import sys

try:
    import dppp
except ImportError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

from fastreid.engine import default_argument_parser, launch

from dppp.engine import DPPPTrainer, evaluate, load_config, prepare
from dppp.errors import one_line


def main(args: argparse.Namespace) -> None:
    cfg = load_config(args.config_file, args.opts)
    prepare(cfg, args)
    if args.eval_only:
        evaluate(cfg)
        return
    trainer = DPPPTrainer(cfg)
    trainer.resume_or_load(resume=args.resume)
    trainer.train()


if __name__ == "__main__":
    arguments = default_argument_parser().parse_args()
    try:
        launch(
            main,
            arguments.num_gpus,
            num_machines=arguments.num_machines,
            machine_rank=arguments.machine_rank,
            dist_url=arguments.dist_url,
            args=(arguments,),
        )
    except dppp.UserError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except FloatingPointError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(
            "stopped; the same command with --resume goes on from the last checkpoint",
            file=sys.stderr,
        )
        logging.shutdown()
        sys.exit(130)

#!/usr/bin/env python
"""Pictures of a test set's rankings that agree with its scores: best, worst and random queries.

visualize.py --config-file F --output DIR [--weights CHECKPOINT] [--test NAME] [--queries 10]
             [--top 10] [--attention] [KEY VALUE ...]

Writes DIR/NAME_best.png, _worst.png and _random.png, each with a .csv of the same hits. Junk (the
query's own person in its own camera) is left out as in the evaluation; AP is the evaluation's.
"""

import argparse
import sys
from pathlib import Path

try:
    import dppp
except ImportError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

from dppp.command_line import Parser, run
from dppp.config import load_config
from dppp.inference import from_config
from dppp.inference.attention import overlay_attention
from dppp.inference.loading import choose_device
from dppp.inference.pictures import MAX_ROWS, draw_rankings, save_picture
from dppp.inference.ranked_sets import ORDERS, rank_test_set
from dppp.inference.search import write_rankings


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(description="Rankings of a test set as pictures.")
    parser.add_argument("--config-file", required=True, help="config of the run (.yml)")
    parser.add_argument("--weights", default="", help="checkpoint (default: model_final.pth)")
    parser.add_argument("--test", help="test set (default: the config's first)")
    parser.add_argument("--output", required=True, type=Path, help="folder to write into")
    parser.add_argument("--queries", type=int, default=10, help="rows of a picture (default 10)")
    parser.add_argument("--top", type=int, default=10, help="hits of each query (default 10)")
    parser.add_argument("--attention", action="store_true", help="draw where the model looks, too")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument("opts", nargs="*", metavar="KEY VALUE", help="settings to override")
    args = parser.parse_args(arguments)
    if not 1 <= args.queries <= MAX_ROWS:
        raise dppp.UserError(f"--queries is {args.queries}; it must be in 1..{MAX_ROWS}")
    if args.top < 1:
        raise dppp.UserError(f"--top is {args.top}; it must be 1 or more")
    return args


def main(arguments: list[str]) -> int:
    args = parse(arguments)
    opts = [*args.opts, "MODEL.DEVICE", choose_device(args.device)]
    cfg = load_config(
        args.config_file, opts + (["MODEL.WEIGHTS", args.weights] if args.weights else [])
    )
    name = args.test or (cfg.DATASETS.TESTS or [""])[0]
    embedder = from_config(cfg)
    ranked = rank_test_set(cfg, embedder.model.network, name)
    overlay = (lambda pictures: overlay_attention(embedder, pictures)) if args.attention else None
    print(f"{name}: mAP {100 * ranked.precisions.mean():.2f} of {len(ranked.valid)} queries")
    for order in ORDERS:
        places = ranked.choose(order, args.queries, seed=0)
        rankings = ranked.rankings(places, args.top)
        path = args.output / f"{name}_{order}.png"
        heading = f"{name}, {order} queries, distance"
        save_picture(path, draw_rankings(rankings, embedder.image_size, heading, overlay))
        percent = [float(100 * ranked.precisions[place]) for place in places]
        write_rankings(path.with_suffix(".csv"), rankings, "distance", AP_percent=percent)
        print(
            f"{path} and .csv: {len(rankings)} queries, AP {min(percent):.1f} to {max(percent):.1f}"
        )
    return 0


if __name__ == "__main__":
    run(main, stopped="stopped; pictures written so far are whole")

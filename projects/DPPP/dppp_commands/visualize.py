"""Draw a test set's rankings, as they are scored: best, worst and random queries.

dppp-visualize --config-file F --output DIR [--weights CHECKPOINT] [--test NAME] [--queries 10]
               [--top 10] [--attention] [KEY VALUE ...]

Writes DIR/NAME_best.png, _worst.png and _random.png, each with a .csv of the same hits. Junk (the
query's own person in its own camera) is excluded as in the evaluation, and AP is the evaluation's.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .arguments import MAX_ROWS, at_least_one
from .command_line import Parser, run

if TYPE_CHECKING:
    from fastreid.config import CfgNode


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read and check the arguments."""
    parser = Parser(description="Draw the rankings of a test set.")
    parser.add_argument("--config-file", required=True, help="config of the run (.yml)")
    parser.add_argument("--weights", default="", help="checkpoint (default: model_final.pth)")
    parser.add_argument("--test", help="test set (default: the config's first)")
    parser.add_argument("--output", required=True, type=Path, help="folder to write into")
    parser.add_argument(
        "--queries",
        type=at_least_one,
        default=10,
        help=f"rows of a picture, at most {MAX_ROWS} (default 10)",
    )
    parser.add_argument("--top", type=at_least_one, default=10, help="hits per query (default 10)")
    parser.add_argument("--attention", action="store_true", help="draw attention maps too")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument("opts", nargs="*", metavar="KEY VALUE", help="settings to override")
    args = parser.parse_args(arguments)
    if args.queries > MAX_ROWS:
        parser.error(f"--queries is {args.queries}; a picture has at most {MAX_ROWS} rows")
    return args


def main(arguments: list[str]) -> int:
    """Write the pictures; return the exit status."""
    args = parse(arguments)
    from dppp.inference import from_config
    from dppp.inference.attention import overlay_attention
    from dppp.inference.pictures import draw_rankings, save_picture
    from dppp.inference.ranked_sets import ORDERS, rank_test_set
    from dppp.inference.search import write_rankings

    cfg = _config(args)
    name = args.test or (cfg.DATASETS.TESTS or [""])[0]
    embedder = from_config(cfg)
    ranked = rank_test_set(cfg, embedder.model.network, name)
    overlay = partial(overlay_attention, embedder) if args.attention else None
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


def _config(args: argparse.Namespace) -> CfgNode:
    from dppp.config import load_config
    from dppp.device import choose_device

    opts = [*args.opts, "MODEL.DEVICE", choose_device(args.device)]
    if args.weights:
        opts += ["MODEL.WEIGHTS", args.weights]
    return load_config(args.config_file, opts)


def entry() -> NoReturn:
    """Run the process's command line."""
    run(main, stopped="stopped; the pictures written so far are complete")

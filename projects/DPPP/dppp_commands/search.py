"""Find the images of a gallery that show the most similar people.

dppp-search --model CHECKPOINT --gallery FILE.npz --query IMAGE ... [--top 10] [--output FILE.png]
dppp-search ... --gallery FILE.npz --index hnsw ...
dppp-search --model CLIP:WEIGHTS --gallery FOLDER --text "a man in a red shirt" ...

Prints a table for each query. --output draws the hits and writes them to FILE.csv too; where file
names carry labels (0002_c1s1_000451_03.jpg), the frames are green for the same person and red for
another. --index hnsw or ivf searches a large gallery faster and may miss some hits: the index is
kept beside the gallery's file, and a line on stderr says how much of the 10 nearest it finds.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .arguments import MAX_ROWS, add_model_arguments, at_least_one, file_name, load_model
from .command_line import Parser, run

if TYPE_CHECKING:
    from dppp.inference import Embedder, Features
    from dppp.inference.pictures import Ranking

INDEXES = ("exact", "hnsw", "ivf")
_TRUTHS = {True: "the same", False: "another", None: ""}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read and check the arguments."""
    parser = Parser(description="Find people in a gallery.")
    add_model_arguments(parser)
    parser.add_argument(
        "--gallery", required=True, help="file of dppp-extract (.npz), folder or .txt list"
    )
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--query", nargs="+", help="images, or one folder of them")
    wanted.add_argument("--text", nargs="+", metavar="SENTENCE", help="descriptions of a person")
    parser.add_argument("--top", type=at_least_one, default=10, help="hits per query (default 10)")
    parser.add_argument(
        "--index", choices=INDEXES, default="exact", help="of the gallery, default exact"
    )
    parser.add_argument(
        "--output",
        type=file_name(".png"),
        help="picture to write (.png), with a .csv of the same name",
    )
    parser.add_argument("--attention", action="store_true", help="draw attention maps too")
    args = parser.parse_args(arguments)
    if args.attention and not args.output:
        parser.error("--attention draws into a picture; add: --output FILE.png")
    if args.attention and args.text:
        parser.error("--attention needs --query: a text has no attention map")
    return args


def main(arguments: list[str]) -> int:
    """Print the rankings and draw them; return the exit status."""
    args = parse(arguments)
    from dppp.inference import open_index, search, search_texts
    from dppp.inference.attention import overlay_attention
    from dppp.inference.extraction import embed_files
    from dppp.inference.pictures import draw_rankings, save_picture
    from dppp.inference.search import write_rankings

    embedder = load_model(args)
    gallery = _gallery(args.gallery, embedder)
    index = open_index(gallery, args.index)
    if args.text:
        rankings = search_texts(embedder, args.text, gallery, args.top, index)
    else:
        queries = embed_files(embedder, _query_files(args.query))
        rankings = search(queries, gallery, args.top, index)
    if args.index != "exact":
        print(index, file=sys.stderr)
    for ranking in rankings:
        print(_table(ranking))
    if args.output:
        overlay = partial(overlay_attention, embedder) if args.attention else None
        path = args.output
        heading = f"{embedder.name}, cosine similarity"
        drawn = rankings[:MAX_ROWS]
        save_picture(path, draw_rankings(drawn, embedder.image_size, heading, overlay))
        write_rankings(path.with_suffix(".csv"), rankings, "cosine")
        print(f"{path}: {len(drawn)} of {len(rankings)} queries; all of them in {path.stem}.csv")
    return 0


def _table(ranking: Ranking) -> str:
    from tabulate import tabulate

    rows = [
        [rank, hit.file, f"{hit.score:.4f}", _TRUTHS[hit.same_person]]
        for rank, hit in enumerate(ranking.hits, start=1)
    ]
    headers = ["rank", "image", "cosine", "person"]
    return f"{ranking.query}\n{tabulate(rows, headers=headers, disable_numparse=True)}\n"


def _gallery(source: str, embedder: Embedder) -> Features:
    """Return the features in a file, or embed a folder or list."""
    from dppp import UserError
    from dppp.inference import extract, load_features

    if not source.endswith(".npz"):
        features = extract(embedder, source)
        for line in features.skipped:
            print(f"skipped: {line}", file=sys.stderr)
        return features
    features = load_features(source)
    if features.model != embedder.digest:
        raise UserError(
            f"{source}: its features are from another model ({features.model}, --model is "
            f"{embedder.digest}); run dppp-extract with this model"
        )
    return features


def _query_files(names: list[str]) -> list[Path]:
    from dppp.inference.files import list_images

    if len(names) == 1 and Path(names[0]).is_dir():
        root, paths = list_images(names[0])
        return [root / path for path in paths]
    return [Path(name) for name in names]


def entry() -> NoReturn:
    """Run the process's command line."""
    run(main, stopped="stopped; nothing was written")

#!/usr/bin/env python
"""The images of a gallery that show the most similar people.

search.py --model CHECKPOINT --gallery FILE.npz --query IMAGE ... [--top 10] [--output FILE.png]
search.py --model CLIP:WEIGHTS --gallery FOLDER --text "a man in a red shirt" ...

Prints a table for each query. --output draws the hits, in green and red frames where the file names
tell who is who (0002_c1s1_000451_03.jpg), and writes all of them to FILE.csv too.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

try:
    import dppp
except ImportError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

from tabulate import tabulate

from dppp.command_line import Parser, run
from dppp.inference import Embedder, Features, extract, load_features, search, search_texts
from dppp.inference.arguments import add_model_arguments, load_model
from dppp.inference.attention import overlay_attention
from dppp.inference.extraction import embed_files
from dppp.inference.files import list_images, require_suffix
from dppp.inference.pictures import MAX_ROWS, draw_rankings, save_picture
from dppp.inference.search import write_rankings

_TRUTHS = {True: "the same", False: "another", None: ""}


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(description="Find people in a gallery.")
    add_model_arguments(parser)
    parser.add_argument(
        "--gallery", required=True, help="file of tools/extract.py (.npz), folder or .txt list"
    )
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--query", nargs="+", help="images, or one folder of them")
    wanted.add_argument("--text", nargs="+", metavar="SENTENCE", help="who is looked for, in words")
    parser.add_argument("--top", type=int, default=10, help="hits of each query (default 10)")
    parser.add_argument("--output", help="picture to write (.png); a .csv is written beside it")
    parser.add_argument("--attention", action="store_true", help="draw where the model looks, too")
    args = parser.parse_args(arguments)
    if args.top < 1:
        raise dppp.UserError(f"--top is {args.top}; it must be 1 or more")
    if args.output:
        require_suffix(args.output, ".png")
    elif args.attention:
        raise dppp.UserError("--attention draws into a picture; add: --output FILE.png")
    if args.attention and args.text:
        raise dppp.UserError("--attention is for --query: words are not an image")
    return args


def main(arguments: list[str]) -> int:
    args = parse(arguments)
    embedder = load_model(args)
    gallery = _gallery(args.gallery, embedder)
    if args.text:
        rankings = search_texts(embedder, args.text, gallery, args.top)
    else:
        rankings = search(embed_files(embedder, _query_files(args.query)), gallery, args.top)
    for ranking in rankings:
        rows = [
            [rank, hit.file, f"{hit.score:.4f}", _TRUTHS[hit.same_person]]
            for rank, hit in enumerate(ranking.hits, start=1)
        ]
        headers = ["rank", "image", "cosine", "person"]
        print(f"{ranking.query}\n{tabulate(rows, headers=headers, disable_numparse=True)}\n")
    if args.output:
        overlay = partial(overlay_attention, embedder) if args.attention else None
        path = Path(args.output)
        heading = f"{embedder.name}, cosine similarity"
        picture = draw_rankings(rankings, embedder.image_size, heading, overlay)
        save_picture(path, picture)
        write_rankings(path.with_suffix(".csv"), rankings, "cosine")
        drawn = min(len(rankings), MAX_ROWS)
        print(f"{path}: {drawn} of {len(rankings)} queries; all of them in {path.stem}.csv")
    return 0


def _gallery(source: str, embedder: Embedder) -> Features:
    """Features of a file, or of a folder or list that is embedded now."""
    if not source.endswith(".npz"):
        features = extract(embedder, source)
        for line in features.skipped:
            print(f"skipped: {line}", file=sys.stderr)
        return features
    features = load_features(source)
    if features.model != embedder.digest:
        raise dppp.UserError(
            f"{source}: made by another model ({features.model}, this one is {embedder.digest}); "
            "run tools/extract.py with this one"
        )
    return features


def _query_files(names: list[str]) -> list[Path]:
    if len(names) == 1 and Path(names[0]).is_dir():
        root, paths = list_images(names[0])
        return [root / path for path in paths]
    return [Path(name) for name in names]


if __name__ == "__main__":
    run(main, stopped="stopped; nothing was written")

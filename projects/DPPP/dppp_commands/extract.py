"""Embed the images of a folder, or of a list, and write their features into one file.

dppp-extract --model CHECKPOINT IMAGES --output FILE.npz [--float16] [--precision bf16]

IMAGES is a folder, or a .txt file with one path per line. An interrupted extraction resumes with
the same command. Exit status 0: all images; 1: some could not be read, they are listed; 2: a
mistake, in one line.
"""

import argparse
import sys
from typing import NoReturn

from .arguments import add_model_arguments, file_name, load_model
from .command_line import Parser, run


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments."""
    parser = Parser(description="Write the features of images into one file.")
    parser.add_argument("images", help="folder of images, or .txt file that lists them")
    add_model_arguments(parser)
    parser.add_argument(
        "--output", required=True, type=file_name(".npz"), help="file to write (.npz)"
    )
    parser.add_argument("--float16", action="store_true", help="store half the size, 3 digits")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Write the file of features; return the exit status."""
    args = parse(arguments)
    from dppp.inference import extract
    from dppp.inference.files import list_images

    list_images(args.images)  # refuse an empty folder before the model is built
    features = extract(load_model(args), args.images, args.output, half=args.float16)
    for line in features.skipped:
        print(f"skipped: {line}", file=sys.stderr)
    number, width = features.features.shape
    print(
        f"{args.output}: {number} images, features of {width} numbers ({features.features.dtype}), "
        f"model {features.model} in {features.precision}, {len(features.skipped)} skipped"
    )
    return 1 if features.skipped else 0


def entry() -> NoReturn:
    """Run the process's command line."""
    run(main, stopped="stopped; run the same command again to resume")

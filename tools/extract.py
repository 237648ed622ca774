#!/usr/bin/env python
"""Features of the images of a folder, or of a list of them, in one file.

extract.py --model CHECKPOINT IMAGES --output FILE.npz [--float16]

IMAGES is a folder, or a .txt file with a path a line. Stopped, the same command goes on where it
was. Exit status 0: all images; 1: some could not be read, they are listed; 2: a mistake.
"""

import sys

try:
    import dppp  # noqa: F401  makes fastreid importable
except ImportError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

from dppp.command_line import Parser, run
from dppp.inference import extract
from dppp.inference.arguments import add_model_arguments, load_model
from dppp.inference.files import list_images, require_suffix


def main(arguments: list[str]) -> int:
    parser = Parser(description="Images -> features and their paths.")
    parser.add_argument("images", help="folder of images, or .txt file that lists them")
    add_model_arguments(parser)
    parser.add_argument("--output", required=True, help="file to write (.npz)")
    parser.add_argument("--float16", action="store_true", help="half the size, 3 digits")
    args = parser.parse_args(arguments)
    require_suffix(args.output, ".npz")
    list_images(args.images)  # before the model is made
    features = extract(load_model(args), args.images, args.output, half=args.float16)
    for line in features.skipped:
        print(f"skipped: {line}", file=sys.stderr)
    number, width = features.features.shape
    print(
        f"{args.output}: {number} images, features of {width} numbers ({features.features.dtype}), "
        f"model {features.model}, {len(features.skipped)} skipped"
    )
    return 1 if features.skipped else 0


if __name__ == "__main__":
    run(main, stopped="stopped; the same command goes on where it was")

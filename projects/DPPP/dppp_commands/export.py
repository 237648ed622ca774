"""Export a trained model, preprocessing included, to one file: ONNX or torch.export.

dppp-export --model CHECKPOINT --output FILE.onnx | FILE.pt2

The exported model takes RGB pixels, uint8, (batch, 3, height, width), and returns L2-normalized
features; its metadata says what a caller needs to know. The file is compared with PyTorch before
it is moved into place.
"""

import argparse
from typing import NoReturn

from .arguments import add_model_arguments, file_name, load_model
from .command_line import Parser, run


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments."""
    parser = Parser(description="Export a trained model to one file.")
    add_model_arguments(parser, device=False)
    parser.add_argument(
        "--output",
        required=True,
        type=file_name(".onnx", ".pt2"),
        help="file to write (.onnx or .pt2)",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Write the model; return the exit status."""
    args = parse(arguments)
    from dppp.inference import export

    embedder = load_model(args)
    difference = export(embedder, args.output)
    height, width = embedder.image_size
    print(
        f"{args.output}: {embedder.name}, {height} x {width} pixels -> {embedder.feature_dim} "
        f"numbers; largest difference from PyTorch {difference:.1e}"
    )
    return 0


def entry() -> NoReturn:
    """Run the process's command line."""
    run(main, stopped="stopped; nothing was written")

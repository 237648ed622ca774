#!/usr/bin/env python
"""A trained model as one file for other programs, preprocessing included: ONNX or torch.export.

export.py --model CHECKPOINT --output FILE.onnx | FILE.pt2

The file takes RGB pixels (batch, 3, height, width), uint8, and gives features of length 1; what
must be known to feed it is in its metadata. It is compared with PyTorch before it gets its name.
"""

import sys

try:
    import dppp  # noqa: F401  makes fastreid importable
except ImportError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

from dppp.command_line import Parser, run
from dppp.inference import export
from dppp.inference.arguments import add_model_arguments, load_model


def main(arguments: list[str]) -> int:
    parser = Parser(description="A trained model -> one file for other programs.")
    add_model_arguments(parser, device=False)
    parser.add_argument("--output", required=True, help="file to write (.onnx or .pt2)")
    args = parser.parse_args(arguments)
    embedder = load_model(args)
    difference = export(embedder, args.output)
    height, width = embedder.image_size
    print(
        f"{args.output}: {embedder.name}, {height} x {width} pixels -> {embedder.feature_dim} "
        f"numbers; largest difference from PyTorch {difference:.1e}"
    )
    return 0


if __name__ == "__main__":
    run(main, stopped="stopped; nothing was written")

#!/usr/bin/env python
"""Time parts of stage 1.

benchmark_generate.py matting [--cells N] [--rounds N] [--batch-size N] [--provider P]
                              [--model FILE]

matting cuts N cells of noise out in three ways, in turn: by rembg.remove one at a time, by ours one
at a time, and by ours in batches. It prints the median of the rounds, the factor to rembg, the
largest difference from rembg's masks, and the most memory that the process had until then. Without
--model, the network is a U2Net with random weights, which takes the time of a trained one. On a
CPU, time is that of the processor.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tabulate import tabulate

from geneperson.commands.arguments import Parser
from geneperson.compositing.batching import open_batched
from geneperson.compositing.onnx_providers import find_providers, open_session, uses_cuda
from geneperson.compositing.saliency import U2NET, SaliencyNetwork

CELL = (256, 128)  # the paper's, height and width
Masks = list[np.ndarray]


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments."""
    parser = Parser(description="Time parts of stage 1.")
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    matting = parts.add_parser("matting", help="cutting people out of cells")
    matting.add_argument("--cells", type=int, default=42, metavar="N", help="default 42")
    matting.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    matting.add_argument("--batch-size", type=int, default=4, metavar="N", help="default 4")
    matting.add_argument(
        "--provider", choices=("auto", "cuda", "cpu"), default="auto", help="default auto"
    )
    matting.add_argument("--model", type=Path, metavar="FILE", help="ONNX file like U2Net's")
    matting.set_defaults(run=time_matting)
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run one benchmark; return the exit status."""
    args = parse(arguments)
    args.run(args)
    return 0


def time_matting(args: argparse.Namespace) -> None:
    """Print seconds a cell of rembg and of ours."""
    providers = find_providers(args.provider)
    place = "a GPU" if uses_cuda(providers) else "a CPU, one thread"
    rng = np.random.default_rng(0)
    cells = list(rng.integers(0, 256, (args.cells, *CELL, 3), np.uint8))
    with tempfile.TemporaryDirectory() as folder:
        path = args.model or save_random_u2net(Path(folder) / "random.onnx")
        session = open_session(str(path), providers)
        batched, at_once = open_batched(path, providers, args.batch_size, U2NET.side)
    ways: dict[str, Callable[[Sequence[np.ndarray]], Masks]] = {
        "rembg.remove": by_rembg(session),
        "ours, one at a time": SaliencyNetwork(session, U2NET, 1).alphas,
        f"ours, {at_once} at once": SaliencyNetwork(batched, U2NET, at_once).alphas,
    }
    print(f"{path.name} on {place}; {args.cells} cells, median of {args.rounds} rounds\n")
    # on one thread of a CPU, the time that other programs take does not count
    clock = time.perf_counter if uses_cuda(providers) else time.process_time
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    masks: dict[str, Masks] = {}
    peaks: dict[str, str] = {}
    for name, function in ways.items():
        function(cells[:at_once])  # the first run allocates
        peaks[name] = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB"
    for _ in range(args.rounds):
        for name, function in ways.items():
            start = clock()
            masks[name] = function(cells)
            seconds[name].append(clock() - start)
    medians = {name: statistics.median(times) / args.cells for name, times in seconds.items()}
    rows = [
        [
            name,
            f"{1 / median:.2f}",
            f"{medians['rembg.remove'] / median:.2f}",
            max(difference(*pair) for pair in zip(masks[name], masks["rembg.remove"], strict=True)),
            peaks[name],
        ]
        for name, median in medians.items()
    ]
    headers = ["", "cells a second", "times rembg", "largest difference, of 255", "peak memory"]
    print(tabulate(rows, headers, tablefmt="pipe", disable_numparse=True))


def by_rembg(session: object) -> Callable[[Sequence[np.ndarray]], Masks]:
    """Return rembg's own way of cutting out with an open session."""
    from rembg import remove
    from rembg.sessions.u2net import U2netSession

    ours = object.__new__(U2netSession)  # its constructor opens rembg's own file
    ours.inner_session = session
    return lambda cells: [
        np.asarray(remove(Image.fromarray(cell), session=ours, only_mask=True)) for cell in cells
    ]


def difference(mask: np.ndarray, other: np.ndarray) -> int:
    """Return the largest difference of two masks, 0..255."""
    return int(np.abs(mask.astype(int) - other).max())


def save_random_u2net(path: Path) -> Path:
    """Write a U2Net with random weights that takes any batch.

    Widths and depths are those of Qin et al., "U2-Net", Pattern Recognition 2020, Fig. 5: every
    stage is itself a U (a residual U-block, RSU) of a height, whose deepest two stages have four
    dilated convolutions instead.
    """
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F

    def conv(width: int, out: int, dilation: int = 1) -> nn.Module:
        layers = nn.Conv2d(width, out, 3, padding=dilation, dilation=dilation), nn.BatchNorm2d(out)
        return nn.Sequential(*layers, nn.ReLU())

    def like(small: Tensor, large: Tensor) -> Tensor:
        if small.shape[2:] == large.shape[2:]:
            return small
        return F.interpolate(small, size=large.shape[2:], mode="bilinear", align_corners=False)

    def pool(maps: Tensor) -> Tensor:
        return F.max_pool2d(maps, 2, stride=2, ceil_mode=True)

    class Block(nn.Module):
        """RSU of a height, from ``width`` over ``middle`` to ``out`` channels; 0 is dilated."""

        def __init__(self, height: int, width: int, middle: int, out: int) -> None:
            super().__init__()
            self.pools = height > 0
            steps = [1] * (height - 1) + [2] if height else [1, 2, 4, 8]
            self.first = conv(width, out)
            widths = [out] + [middle] * (len(steps) - 1)
            self.down = nn.ModuleList(
                conv(w, middle, s) for w, s in zip(widths, steps, strict=True)
            )
            ups = list(zip([out] + [middle] * (len(steps) - 2), steps, strict=False))
            self.up = nn.ModuleList(conv(2 * middle, w, s) for w, s in reversed(ups))

        def forward(self, x: Tensor) -> Tensor:
            first = self.first(x)
            maps = [self.down[0](first)]
            for number, layer in enumerate(self.down[1:], start=2):
                halve = self.pools and number < len(self.down)
                maps.append(layer(pool(maps[-1]) if halve else maps[-1]))
            y = maps.pop()
            for layer in self.up:
                skip = maps.pop()
                y = layer(torch.cat((like(y, skip), skip), 1))
            return y + first

    class U2Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            downs = ((7, 3, 32, 64), (6, 64, 32, 128), (5, 128, 64, 256), (4, 256, 128, 512))
            bottom = (0, 512, 256, 512)
            ups = ((4, 1024, 128, 256), (5, 512, 64, 128), (6, 256, 32, 64), (7, 128, 16, 64))
            self.down = nn.ModuleList(Block(*shape) for shape in (*downs, bottom, bottom))
            self.up = nn.ModuleList(Block(*shape) for shape in ((0, 1024, 256, 512), *ups))
            sides = (64, 64, 128, 256, 512, 512)
            self.sides = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in sides)
            self.fuse = nn.Conv2d(6, 1, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            maps = [self.down[0](x)]
            for block in self.down[1:]:
                maps.append(block(pool(maps[-1])))
            decoded = [maps.pop()]
            for block in self.up:
                skip = maps.pop()
                decoded.append(block(torch.cat((like(decoded[-1], skip), skip), 1)))
            pairs = zip(self.sides, reversed(decoded), strict=True)
            scores = [like(layer(y), x) for layer, y in pairs]
            fused = self.fuse(torch.cat(scores, 1))
            return tuple(torch.sigmoid(each) for each in (fused, *scores))

    torch.manual_seed(0)
    pictures = torch.zeros(2, 3, U2NET.side, U2NET.side)  # a batch of 1 would become a constant
    torch.onnx.export(
        U2Net().eval(),
        (pictures,),
        path,
        dynamic_shapes=({0: "batch"},),
        external_data=False,
        verbose=False,
    )
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Images to features by CLIP's visual encoder, beside open_clip's own forward pass.

As in phase 2, evaluation and extraction: the weights are frozen and nothing is kept for gradients.
Normalized pixels lie on the device already, weights are random. The limit is the rate of plain
matrix products.
"""

import argparse
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.measuring import Comparison, Way, compare, count_flops, matmul_limit
from dppp.device import choose_device
from dppp.modeling import build_clip

SIZE = (256, 128)  # height and width
DTYPES = {"fp32": None, "bf16": torch.bfloat16}


def run(args: argparse.Namespace) -> list[Comparison]:
    """Time both ways."""
    device, dtype = choose_device(args.device, "--device"), DTYPES[args.precision]
    towers = build_clip(args.model, "", SIZE).to(device).eval().requires_grad_(requires_grad=False)
    pixels = torch.randn(args.batch, 3, *SIZE, device=device)

    def without_gradients(encode: Callable[[Tensor], object]) -> Callable[[], None]:
        @torch.no_grad()
        def call() -> None:
            with torch.autocast(torch.device(device).type, dtype, enabled=dtype is not None):
                encode(pixels)

        return call

    ways = {"open_clip": towers.visual, "dppp": towers.encode_image}
    calls = {name: without_gradients(encode) for name, encode in ways.items()}
    limit = matmul_limit(dtype or torch.float32, device, width=towers.patch_dim)
    return [
        compare(
            [Way(name=name, run=call, flops=count_flops(call)) for name, call in calls.items()],
            title=f"Embedding, {args.model}, {args.batch} images, {args.precision}",
            unit="images",
            work=args.batch,
            rounds=args.rounds,
            limit=limit,
            device=device,
        )
    ]

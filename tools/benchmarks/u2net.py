"""U2Net with random weights, which takes the time of a trained one.

Widths and depths are those of Qin et al., "U2-Net", Pattern Recognition 2020, Fig. 5: every stage
is itself a U (a residual U-block, RSU) of a height, whose deepest two stages have four dilated
convolutions instead.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geneperson.compositing.saliency import U2NET


def _conv(width: int, out: int, dilation: int = 1) -> nn.Module:
    layers = nn.Conv2d(width, out, 3, padding=dilation, dilation=dilation), nn.BatchNorm2d(out)
    return nn.Sequential(*layers, nn.ReLU())


def _like(small: Tensor, large: Tensor) -> Tensor:
    if small.shape[2:] == large.shape[2:]:
        return small
    return F.interpolate(small, size=large.shape[2:], mode="bilinear", align_corners=False)


def _pool(maps: Tensor) -> Tensor:
    return F.max_pool2d(maps, 2, stride=2, ceil_mode=True)


class _Block(nn.Module):
    """RSU of a height, from ``width`` over ``middle`` to ``out`` channels; 0 is dilated."""

    def __init__(self, height: int, width: int, middle: int, out: int) -> None:
        super().__init__()
        self.pools = height > 0
        steps = [1] * (height - 1) + [2] if height else [1, 2, 4, 8]
        self.first = _conv(width, out)
        widths = [out] + [middle] * (len(steps) - 1)
        self.down = nn.ModuleList(_conv(w, middle, s) for w, s in zip(widths, steps, strict=True))
        ups = list(zip([out] + [middle] * (len(steps) - 2), steps, strict=False))
        self.up = nn.ModuleList(_conv(2 * middle, w, s) for w, s in reversed(ups))

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        maps = [self.down[0](first)]
        for number, layer in enumerate(self.down[1:], start=2):
            halve = self.pools and number < len(self.down)
            maps.append(layer(_pool(maps[-1]) if halve else maps[-1]))
        y = maps.pop()
        for layer in self.up:
            skip = maps.pop()
            y = layer(torch.cat((_like(y, skip), skip), 1))
        return y + first


class _U2Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        downs = ((7, 3, 32, 64), (6, 64, 32, 128), (5, 128, 64, 256), (4, 256, 128, 512))
        bottom = (0, 512, 256, 512)
        ups = ((4, 1024, 128, 256), (5, 512, 64, 128), (6, 256, 32, 64), (7, 128, 16, 64))
        self.down = nn.ModuleList(_Block(*shape) for shape in (*downs, bottom, bottom))
        self.up = nn.ModuleList(_Block(*shape) for shape in ((0, 1024, 256, 512), *ups))
        sides = (64, 64, 128, 256, 512, 512)
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in sides)
        self.fuse = nn.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = [self.down[0](x)]
        for block in self.down[1:]:
            maps.append(block(_pool(maps[-1])))
        decoded = [maps.pop()]
        for block in self.up:
            skip = maps.pop()
            decoded.append(block(torch.cat((_like(decoded[-1], skip), skip), 1)))
        pairs = zip(self.sides, reversed(decoded), strict=True)
        scores = [_like(layer(y), x) for layer, y in pairs]
        fused = self.fuse(torch.cat(scores, 1))
        return tuple(torch.sigmoid(each) for each in (fused, *scores))


def save_random_u2net(path: Path) -> Path:
    """Write the network as an ONNX file that takes any batch; return its path."""
    torch.manual_seed(0)
    pictures = torch.zeros(2, 3, U2NET.side, U2NET.side)  # a batch of 1 would become a constant
    torch.onnx.export(
        _U2Net().eval(),
        (pictures,),
        path,
        dynamic_shapes=({0: "batch"},),
        external_data=False,
        verbose=False,
    )
    return path

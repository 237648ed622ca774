"""``DIFFUSION.COMPILE``: the blocks that repeat are compiled, each kind once, for all sizes.

A whole network would be compiled again for every number of pictures and for every step in which a
condition ends. A block does not see those. Blocks of one kind share what was compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_TRANSFORMER, _CONVOLUTIONS = "BasicTransformerBlock", "ResnetBlock2D"
_NUM_KINDS = 64  # by widths and inputs; SDXL and its VAE have about 20


def compile_blocks(pipe: Any, *, guided: bool, backend: str | Callable[..., Any]) -> None:
    """Compile the blocks of denoiser, ControlNets and VAE decoder when each is first called.

    Convolutions are compiled for a single picture apart from those for several. A guided denoiser
    always sees each picture twice, and the VAE decodes one at a time (``VAE_SLICING``). Without
    guidance a background is a single picture, so the denoiser's convolutions are left as they are.

    Args:
        pipe: a pipeline of diffusers.
        guided: whether the denoiser sees each picture with and without its prompt.
        backend: of torch.compile.
    """
    import torch._dynamo
    import torch.fx.experimental._config as shapes

    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, _NUM_KINDS)
    if hasattr(shapes, "backed_size_oblivious"):  # not in torch 2.6, which compiles once more
        shapes.backed_size_oblivious = True  # a batch of one is a batch like any other
    kinds = {_TRANSFORMER, _CONVOLUTIONS} if guided else {_TRANSFORMER}
    for network, wanted in (
        (pipe.unet, kinds),
        (pipe.controlnet, kinds),
        (pipe.vae.decoder, {_CONVOLUTIONS}),
    ):
        for block in network.modules():
            if type(block).__name__ in wanted:
                block.compile(dynamic=True, backend=backend)

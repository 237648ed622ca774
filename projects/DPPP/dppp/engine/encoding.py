"""Training images encoded by the present model in evaluation, on behalf of the training itself."""

from collections.abc import Callable, Iterator

import torch
from fastreid.config import CfgNode
from fastreid.evaluation.evaluator import inference_context
from torch import Tensor

from ..config import amp_dtype
from ..data.device_loader import DeviceLoader
from ..modeling.interface import ReIDModel


def encode(
    cfg: CfgNode, model: ReIDModel, call: Callable[[dict], Tensor], images: DeviceLoader
) -> Iterator[tuple[dict, Tensor]]:
    """Yield each batch with its features (B, d), float32.

    The number format is that of training: one of testing may be changed when a run is resumed.

    Args:
        cfg: the run's.
        model: not wrapped for distributed training.
        call: the model, or a method of it.
        images: what is encoded.
    """
    dtype = amp_dtype(cfg)
    with inference_context(model):
        for batch in images:
            with (
                torch.no_grad(),
                torch.autocast(model.device.type, dtype, enabled=dtype is not None),
            ):
                features = call(batch)
            yield batch, features.float()

"""What makes a host wait for its device, found on a CPU, where nothing waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# item() and bool(tensor) end in the first.
_WAITING = (
    "aten::_local_scalar_dense", "aten::nonzero", "aten::is_nonzero", "aten::equal",
    "aten::masked_select", "aten::repeat_interleave",
)  # fmt: skip


class NoWaiting(TorchDispatchMode):
    """Fails on an operation whose result the host must have; its backward counts on a CPU only."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation, unless it is one of those."""
        name = func.name().partition(".")[0]
        assert name not in _WAITING, f"the host waits for {name}"
        if name in ("aten::index", "aten::index_put", "aten::index_put_"):
            places = [leaf for leaf in tree_leaves(args[1]) if isinstance(leaf, Tensor)]
            assert torch.bool not in {x.dtype for x in places}, "the host waits for a mask's size"
        return func(*args, **(kwargs or {}))

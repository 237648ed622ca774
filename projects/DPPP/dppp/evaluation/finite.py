"""A check for features that cannot be compared."""

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError


def require_finite(features: Tensor | np.ndarray) -> None:
    """Raise a UserError with the number of images if any feature (N, D) is NaN or infinite."""
    rows = torch.as_tensor(features).isfinite().all(dim=1)
    if num_bad := int((~rows).sum()):
        raise UserError(
            f"the model gives NaN or infinite features for {num_bad} of {len(rows)} images; "
            "its training has diverged"
        )

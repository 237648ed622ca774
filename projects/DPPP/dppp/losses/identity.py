"""Identity loss, Eq. 12.

| symbol | meaning |
| ------ | ------- |
| B      | images of the batch |
| p_j    | predicted probability of the true identity of image j |
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def identity_loss(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return L_ID = -1/B sum_j log p_j (Eq. 12), computed in float32 under any autocast.

    Args:
        logits: (B, number of training identities), before the softmax.
        labels: identities (B,), integers in [0, number of training identities).
        label_smoothing: share of the target spread over all identities; 0 in the paper.
    """
    with torch.autocast(logits.device.type, enabled=False):
        return F.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)

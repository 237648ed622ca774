"""Contrast between images and one prototype of each identity (Cluster Contrast, Dai et al., 2022).

| letter | meaning |
| ------ | ------- |
| B      | images of the batch |
| N      | training identities |
| d      | width of a feature |
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def prototype_loss(
    features: Tensor, prototypes: Tensor, labels: Tensor, temperature: float
) -> Tensor:
    """Return -1/B sum_i log softmax_n(cosine(v_i, p_n) / tau) at n = label of i, in float32.

    Args:
        features: v (B, d), any scale.
        prototypes: p (N, d), any scale; rows of zeros are not known and left out of the softmax.
        labels: identities (B,), integers in [0, N), whose prototypes are known.
        temperature: tau > 0.
    """
    with torch.autocast(features.device.type, enabled=False):
        cosine = F.normalize(features.float(), dim=1) @ F.normalize(prototypes.float(), dim=1).T
        logits = (cosine / temperature).masked_fill(~prototypes.any(dim=1), -torch.inf)
        return F.cross_entropy(logits, labels)

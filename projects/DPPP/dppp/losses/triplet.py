"""Triplet losses on text features (Eq. 9) and on image features (Eq. 11).

| symbol        | shape   | meaning |
| ------------- | ------- | ------- |
| t_a, t_p, t_n | (d1,)   | t_c of an anchor, of a positive (same identity) and of a negative |
| delta         | scalar  | margin of Eq. 9 |
| d_p, d_n      | scalars | distances of an anchor to its positive and negative image |
| alpha         | scalar  | margin of Eq. 11 |
"""

import torch
import torch.nn.functional as F
from fastreid.modeling.losses.triplet_loss import (
    cosine_dist,
    euclidean_dist,
    hard_example_mining,
    weighted_example_mining,
)
from torch import Tensor


def text_triplet_loss(text_features: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Return L_Tri-txt (Eq. 9): mean of max(||t_a - t_p||^2 - ||t_a - t_n||^2 + delta, 0).

    The paper prints the positive distance twice; the second one must be the negative. Features are
    L2-normalized, p is the anchor's farthest positive and n its nearest negative in the batch.
    Anchors without a positive or without a negative are left out of the mean.

    Args:
        text_features: t_c (B, d1), any scale.
        labels: identities (B,), integers.
        margin: delta >= 0.

    Returns:
        A scalar >= 0; 0 (with a zero gradient) if no anchor has both.
    """
    with torch.autocast(text_features.device.type, enabled=False):
        t = F.normalize(text_features.float(), dim=1)
        distance = 2 - 2 * t @ t.T  # squared Euclidean between unit vectors, in [0, 4]
        same = labels[:, None] == labels[None, :]
        positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        hardest_positive = distance.masked_fill(~positive, -torch.inf).amax(dim=1)
        hardest_negative = distance.masked_fill(same, torch.inf).amin(dim=1)
        usable = positive.any(dim=1) & ~same.all(dim=1)
        # Without a positive or a negative the difference is -inf: no loss and no gradient. To
        # select the others instead, the host would have to wait for their number.
        losses = F.relu(hardest_positive - hardest_negative + margin)
        return losses.sum() / usable.sum().clamp(min=1)


def image_triplet_loss(
    features: Tensor, labels: Tensor, margin: float, *, normalize: bool, hard_mining: bool
) -> Tensor:
    """Return L_Tri-img (Eq. 11), equal to FastReID's, computed in float32 under any autocast.

    Args:
        features: (B, d), any scale.
        labels: identities (B,), integers.
        margin: alpha of Eq. 11; 0 selects the soft margin.
        normalize: whether distances are between L2-normalized features.
        hard_mining: True takes the farthest positive and nearest negative (d_p, d_n) of each
            anchor, False all of them, weighted.
    """
    with torch.autocast(features.device.type, enabled=False):
        x = features.float()
        distance = cosine_dist(x, x) if normalize else euclidean_dist(x, x)
        positive = (labels[:, None] == labels[None, :]).float()
        mine = hard_example_mining if hard_mining else weighted_example_mining
        d_p, d_n = mine(distance, positive, 1 - positive)
        if margin > 0:
            return (d_p - d_n + margin).clamp(min=0).mean()
        return _soft_margin(d_p - d_n)


def _soft_margin(difference: Tensor) -> Tensor:
    """Return the mean of log(1 + e^x), or, if that overflows, of max(x + 0.3, 0).

    FastReID asks the host whether it overflows; here the device decides.

    Args:
        difference: x = d_p - d_n of each anchor (B,).
    """
    overflows = torch.isinf(difference.detach().exp()).any()
    soft = torch.log1p(difference.masked_fill(overflows, 0.0).exp())
    return torch.where(overflows, F.relu(difference + 0.3), soft).mean()

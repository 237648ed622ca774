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
from fastreid.modeling.losses import triplet_loss
from torch import Tensor


def text_triplet_loss(text_features: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Return L_Tri-txt (Eq. 9): mean of max(||t_a - t_p||^2 - ||t_a - t_n||^2 + delta, 0).

    The paper prints the positive distance twice; the second one must be the negative. Features are
    L2-normalised, p is the anchor's farthest positive and n its nearest negative in the batch.
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
        if not usable.any():
            return text_features.float().sum() * 0.0
        return F.relu(hardest_positive - hardest_negative + margin)[usable].mean()


def image_triplet_loss(
    features: Tensor, labels: Tensor, margin: float, *, normalize: bool, hard_mining: bool
) -> Tensor:
    """Return L_Tri-img (Eq. 11), FastReID's own, computed in float32 under any autocast.

    Args:
        features: (B, d), any scale.
        labels: identities (B,), integers.
        margin: alpha of Eq. 11; 0 selects the soft margin.
        normalize: whether distances are between L2-normalised features.
        hard_mining: True takes the farthest positive and nearest negative (d_p, d_n) of each
            anchor, False all of them, weighted.
    """
    with torch.autocast(features.device.type, enabled=False):
        return triplet_loss(
            features.float(),
            labels,
            margin,
            norm_feat=normalize,
            hard_mining=hard_mining,
        )

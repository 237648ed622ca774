"""Symmetric supervised contrastive loss between images and texts, Eqs. 6-8 and 15.

| symbol  | shape   | meaning |
| ------- | ------- | ------- |
| v       | (B, d1) | image features: v_g in phase 1 (Eq. 6), v_c in phase 2 (Eq. 15) |
| t       | (B, d1) | text features: t_sc in phase 1, t_c in phase 2 |
| P(i)    |         | samples of the batch with the label of i, including i itself |
| sim     |         | cosine |
| tau     | scalar  | temperature |

The paper prints Eqs. 7, 8 and 15 without the minus sign and without 1/|P(i)|. We use the standard
loss (Khosla et al., 2020), which has both.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def supcon_loss(
    image_features: Tensor, text_features: Tensor, labels: Tensor, temperature: float | Tensor
) -> Tensor:
    """Return L_i2t + L_t2i (Eq. 6), computed in float32 under any autocast.

    Args:
        image_features: v (B, d1), any scale.
        text_features: t (B, d1), row i belongs to the image of row i.
        labels: identities (B,), integers.
        temperature: tau > 0.

    Returns:
        A scalar >= 0.
    """
    with torch.autocast(image_features.device.type, enabled=False):
        v = F.normalize(image_features.float(), dim=1)
        t = F.normalize(text_features.float(), dim=1)
        logits = v @ t.T / temperature  # sim(v_i, t_j) / tau, (B, B)
        positive = labels[:, None] == labels[None, :]
        return _one_direction(logits, positive) + _one_direction(logits.T, positive)


@torch.no_grad()
def match_share(image_features: Tensor, text_features: Tensor, labels: Tensor) -> Tensor:
    """Return the share of images (0..1) whose most similar text belongs to their own identity.

    The arguments are those of ``supcon_loss``, and so is the number format; for the log only.
    """
    with torch.autocast(image_features.device.type, enabled=False):  # bf16 would make many ties
        similarity = F.normalize(image_features.float()) @ F.normalize(text_features.float()).T
    return (labels[similarity.argmax(dim=1)] == labels).float().mean()


def _one_direction(logits: Tensor, positive: Tensor) -> Tensor:
    """Eq. 7: -1/B sum_i 1/|P(i)| sum_{p in P(i)} log softmax_j(logits_ij) at j = p."""
    log_probabilities = F.log_softmax(logits, dim=1)
    positives = torch.where(positive, log_probabilities, 0.0).sum(dim=1)
    return -(positives / positive.sum(dim=1)).mean()

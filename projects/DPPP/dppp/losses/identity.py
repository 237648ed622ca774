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


def adaptive_identity_loss(logits: Tensor, labels: Tensor, alpha: float) -> Tensor:
    """Return Eq. 12 with FastReID's adaptive label smoothing, in float32 under any autocast.

    The more confident the classifier is, the more of the target goes to the other identities: a
    share of alpha p_j. The mean is over the images whose loss is not 0, as in FastReID.

    Args:
        logits: (B, number of training identities), before the softmax.
        labels: identities (B,), integers in [0, number of training identities).
        alpha: the share at p_j = 1, in [0, 1].
    """
    with torch.autocast(logits.device.type, enabled=False):
        log_p = F.log_softmax(logits.float(), dim=1)
        log_p_true = log_p.gather(1, labels[:, None])[:, 0]
        share = alpha * log_p_true.detach().exp()
        others = (log_p.sum(dim=1) - log_p_true) / max(logits.shape[1] - 1, 1)
        losses = -(1 - share) * log_p_true - share * others
        return losses.sum() / losses.count_nonzero().clamp(min=1)

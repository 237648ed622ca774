"""CLIP's loss for pairs of which is known what is true of what.

| letter | meaning |
| ------ | ------- |
| B      | images |
| T      | texts: first one of each image, then M near misses of each image |
| d1     | width of the joint image-text space |
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def matching_loss(images: Tensor, texts: Tensor, true: Tensor, scale: Tensor) -> Tensor:
    """Return the mean of both directions' cross-entropies, a scalar.

    Each text spreads its probability evenly over the images that it is true of, and each image over
    its true texts. A text that is true of none is only what the others are told from. If every
    image has one text, true of it alone, this is CLIP's loss.

    Args:
        images: features (B, d1).
        texts: features (T, d1).
        true: (T, B), 1 where the text is true of the image, else 0; no column without a 1.
        scale: factor of the cosines, a scalar.
    """
    logits = scale * _cosines(texts, images)
    of_any = true.sum(dim=1) > 0
    from_text = _cross_entropy(logits[of_any], true[of_any])
    return 0.5 * (from_text + _cross_entropy(logits.T, true.T))


def choice_loss(images: Tensor, texts: Tensor, true: Tensor, scale: Tensor) -> Tensor:
    """Return the cross-entropy of choosing an image's text among it and its false near misses.

    Arguments as for ``matching_loss``; a scalar, 0 without near misses.
    """
    num_images = len(images)
    cosines = _cosines(texts, images)  # (T, B)
    own = torch.arange(num_images, device=images.device)
    rest = torch.arange(num_images, len(texts), device=images.device).view(num_images, -1)
    places = torch.cat([own[:, None], rest], dim=1)  # (B, 1 + M)
    logits = scale * cosines[places, own[:, None]]
    still_true = true[places, own[:, None]] > 0
    still_true[:, 0] = False
    return F.cross_entropy(logits.masked_fill(still_true, -torch.inf), torch.zeros_like(own))


def _cosines(texts: Tensor, images: Tensor) -> Tensor:
    return F.normalize(texts, dim=1) @ F.normalize(images, dim=1).T


def _cross_entropy(logits: Tensor, true: Tensor) -> Tensor:
    return F.cross_entropy(logits, true / true.sum(dim=1, keepdim=True))

"""CLIP's loss for images and texts of which is known what is true of what.

| letter | meaning |
| ------ | ------- |
| B      | images |
| T      | texts |
| d1     | width of the joint image-text space |
"""

import torch.nn.functional as F
from torch import Tensor


def matching_loss(images: Tensor, texts: Tensor, true: Tensor, scale: Tensor) -> Tensor:
    """Return the mean of both directions' cross-entropies, a scalar.

    Each text spreads its probability evenly over the images that it is true of, and each image over
    its true texts. If every image has one text, true of it alone, this is CLIP's loss.

    Args:
        images: features (B, d1).
        texts: features (T, d1).
        true: (T, B), 1 where the text is true of the image, else 0.
        scale: factor of the cosines, a scalar.
    """
    return 0.5 * (_choice(texts, images, true, scale) + _choice(images, texts, true.T, scale))


def naming_loss(images: Tensor, texts: Tensor, true: Tensor, scale: Tensor) -> Tensor:
    """Return the cross-entropy of each image's choice among all texts, a scalar.

    Arguments as for ``matching_loss``; images of which no text is true are left out.
    """
    return _choice(images, texts, true.T, scale)


def _choice(chosen_for: Tensor, choices: Tensor, true: Tensor, scale: Tensor) -> Tensor:
    """Return the cross-entropy over choices (C, d1), the mean of all (N, d1) that have a true one.

    ``true`` is (N, C).
    """
    some = true.sum(dim=1) > 0
    true, chosen_for = true[some], chosen_for[some]
    logits = scale * F.normalize(chosen_for, dim=1) @ F.normalize(choices, dim=1).T
    target = true / true.sum(dim=1, keepdim=True)
    return F.cross_entropy(logits, target, reduction="sum") / max(1, len(true))

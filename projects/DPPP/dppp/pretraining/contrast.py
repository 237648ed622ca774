"""What the small CLIP is trained for: images against captions, near misses and single words."""

from collections.abc import Mapping, Sequence

import torch
from open_clip import CLIP
from torch import Tensor

from ..modeling.clip import build_tokenizer
from .encoders import image_features, text_features
from .facts import truth
from .loss import choice_loss, matching_loss
from .naming import Naming
from .objective import Objective
from .pairs import Pair

_NAMING_WEIGHT = 2.4  # of the mean over 8 attributes


class Contrast(Objective):
    """The sum of three losses.

    1. Images against all captions of the batch and their near misses; all that is true counts as
       true (``matching_loss``).
    2. Each caption against its own near misses, which differ in one word (``choice_loss``).
    3. Words without texts (``Naming``); its layers are not kept.

    Args:
        model_name: open_clip's name of the model.
        words: for ``Naming``.
    """

    num_near_misses = 3

    def __init__(self, model_name: str, words: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._tokenize = build_tokenizer(model_name)
        self.naming = Naming(model_name, words)

    def forward(self, model: CLIP, pixels: Tensor, pairs: Sequence[Pair]) -> Tensor:
        """Return the loss of a batch, a scalar; pixels are normalised, (B, 3, H, W)."""
        captions = [pair.caption for pair in pairs]
        captions += [miss for pair in pairs for miss in pair.near_misses]
        ids = self._tokenize([caption.text for caption in captions]).to(pixels.device)
        images, texts = image_features(model, pixels), text_features(model, ids)
        found = truth([caption.facts for caption in captions], [pair.facts for pair in pairs])
        true = torch.from_numpy(found).to(pixels.device, torch.float32)
        naming = self.naming.loss(images, pairs)
        with torch.autocast(pixels.device.type, enabled=False):
            similar = images.float(), texts.float(), true, model.logit_scale.exp()
            return matching_loss(*similar) + choice_loss(*similar) + _NAMING_WEIGHT * naming

"""What the small CLIP is trained for: images against captions, sentences and single words."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from open_clip import CLIP
from torch import Tensor

from ..modeling.clip import build_tokenizer
from .captions import caption, sentences
from .encoders import image_features, text_features
from .facts import truth
from .loss import matching_loss, naming_loss
from .naming import Naming
from .objective import Objective
from .pairs import Pair

# Of means over about 16 attributes and over 8.
_SENTENCES_WEIGHT, _NAMING_WEIGHT = 4.8, 2.4


class Contrast(Objective):
    """The sum of three losses.

    1. Images against a caption of each; all that is true counts as true (``matching_loss``).
    2. Images against one sentence with each word for an attribute, for all attributes: which word
       is true of the image? (``naming_loss``)
    3. Words without texts (``Naming``); its layers are not kept.

    Args:
        model_name: open_clip's name of the model.
        words: attribute -> words, for the sentences.
        named: attribute -> words, for ``Naming``.
    """

    def __init__(
        self,
        model_name: str,
        words: Mapping[str, Sequence[str]],
        named: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__()
        self._tokenize = build_tokenizer(model_name)
        self._words = words
        self.naming = Naming(model_name, named)

    def forward(
        self, model: CLIP, pixels: Tensor, pairs: Sequence[Pair], rng: np.random.Generator
    ) -> Tensor:
        """Return the loss of a batch, a scalar; pixels are normalized, (B, 3, H, W)."""
        facts = [pair.facts for pair in pairs]
        captions = [caption(pair.person, pair.place, rng) for pair in pairs]
        groups = [captions]
        true = [truth([one.facts for one in captions], facts)]
        for name, words in self._words.items():
            told = pairs[int(rng.integers(len(pairs)))]
            groups.append(sentences(told.person, told.place, name, words, rng))
            stated = [[fact for fact in one.facts if fact[0] == name] for one in groups[-1]]
            true.append(truth(stated, facts))
        ids = self._tokenize([one.text for group in groups for one in group]).to(pixels.device)
        images, texts = image_features(model, pixels), text_features(model, ids)
        with torch.autocast(pixels.device.type, enabled=False):
            scale = model.logit_scale.exp()
            matching, *naming = (
                loss(images.float(), part, torch.from_numpy(known).to(part), scale)
                for loss, part, known in zip(
                    [matching_loss, *[naming_loss] * len(self._words)],
                    texts.float().split([len(group) for group in groups]),
                    true,
                    strict=True,
                )
            )
            without_texts = self.naming.loss(images.float(), pairs)
        by_text = torch.stack(naming).mean()
        return matching + _SENTENCES_WEIGHT * by_text + _NAMING_WEIGHT * without_texts

"""Zero-shot scores of a CLIP on held-out people: words for an image, and people for a text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from torch import Tensor

from ..evaluation import evaluate_rank
from .captions import full_caption
from .pairs import Pairs

EmbedTexts = Callable[[Sequence[str]], Tensor]  # N texts -> L2-normalised features (N, D)

# Attribute -> the sentence that asks for it; other words of the person are filled in.
_QUESTIONS = {
    "gender": "a photo of a {gender}",
    "upper_color": "a photo of a {gender} in a {upper_color} {upper_wear}",
    "upper_pattern": "a photo of a {gender} in a {upper_color} {upper_pattern} {upper_wear}",
    "upper_wear": "a photo of a {gender} in a {upper_color} {upper_wear}",
    "lower_color": "a photo of a {gender} in a {lower_color} {lower_wear}",
    "lower_wear": "a photo of a {gender} in a {lower_color} {lower_wear}",
    "hair_color": "a photo of a {gender} with {hair_color} hair",
}


@torch.no_grad()
def measure_zero_shot(
    model: open_clip.CLIP,
    pairs: Pairs,
    *,
    model_name: str,
    words: Mapping[str, Sequence[str]],
    pixel_mean: Tensor,
    pixel_std: Tensor,
) -> dict[str, Any]:
    """Return the zero-shot accuracy per attribute, and the retrieval of people by description.

    Args:
        model: open_clip's, on the CPU, in evaluation mode.
        pairs: images of people that the model was not trained on.
        model_name: open_clip's name of the model.
        words: attribute -> the words to choose among.
        pixel_mean: of each channel, (3,), 0..255.
        pixel_std: of each channel, (3,), 0..255.

    Returns:
        ``attributes``: attribute -> ``accuracy`` of naming its word on an image, and ``chance``;
        ``text_to_image``: Rank-1, Rank-5 and mAP of finding each person's images by their outfit
        and hair color in words. Percentages.
    """
    images = _embed_images(model, pairs, pixel_mean, pixel_std)
    tokenize = open_clip.get_tokenizer(model_name)

    def embed_texts(texts: Sequence[str]) -> Tensor:
        return F.normalize(model.encode_text(tokenize(list(texts))), dim=1)

    return {
        "images": len(pairs),
        "people": len(np.unique(pairs.people)),
        "attributes": {
            attribute: _name_words(embed_texts, pairs, images, attribute, words[attribute])
            for attribute in _QUESTIONS
        },
        "text_to_image": _find_people(embed_texts, pairs, images),
    }


def _embed_images(model: open_clip.CLIP, pairs: Pairs, mean: Tensor, std: Tensor) -> Tensor:
    """Return L2-normalised features (N, D)."""
    features = []
    for start in range(0, len(pairs), 256):
        pixels = torch.from_numpy(pairs.pixels[start : start + 256]).permute(0, 3, 1, 2).float()
        pixels = (pixels - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
        features.append(F.normalize(model.encode_image(pixels), dim=1))
    return torch.cat(features)


def _name_words(
    embed_texts: EmbedTexts, pairs: Pairs, images: Tensor, attribute: str, words: Sequence[str]
) -> dict[str, float]:
    """Ask for each person with every word of the attribute; the most similar one is the answer."""
    num_correct = 0
    for number in np.unique(pairs.people):
        person = pairs.attributes[number]
        texts = [_QUESTIONS[attribute].format(**(person | {attribute: word})) for word in words]
        similarity = images[pairs.people == number] @ embed_texts(texts).T
        num_correct += int((similarity.argmax(1) == words.index(person[attribute])).sum())
    return {"accuracy": 100.0 * num_correct / len(pairs), "chance": 100.0 / len(words)}


def _find_people(embed_texts: EmbedTexts, pairs: Pairs, images: Tensor) -> dict[str, float]:
    numbers = np.unique(pairs.people)
    texts = [full_caption(pairs.attributes[number]) for number in numbers]
    distances = 1 - (embed_texts(texts) @ images.T).numpy()
    no_camera = np.full(len(numbers), -1)  # a text was seen by no camera
    cmc, ap, _ = evaluate_rank(distances, numbers, pairs.people, no_camera, pairs.cameras)
    scores = {"Rank-1": cmc[0], "Rank-5": cmc[4], "mAP": np.mean(ap)}
    return {name: 100.0 * float(score) for name, score in scores.items()}

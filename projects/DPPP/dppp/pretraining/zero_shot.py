"""What a CLIP knows about people it was not trained on: words for images, and people by a text."""

from collections.abc import Mapping, Sequence

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..evaluation import evaluate_rank
from .captions import full_caption
from .pairs import Pairs

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
def measure(
    model: nn.Module,
    name: str,
    pairs: Pairs,
    words: Mapping[str, Sequence[str]],
    mean: Tensor,
    std: Tensor,
) -> dict:
    """Zero-shot accuracy of each attribute, and retrieval of people by their description.

    Args:
        model: open_clip's, on the CPU, in evaluation mode.
        name: open_clip's name of it.
        words: attribute -> the words to choose among.
        mean, std: of the pixels, (3,), 0..255.

    Returns:
        ``attributes``: attribute -> ``accuracy`` of naming its word on an image, and ``chance``;
        ``text_to_image``: Rank-1, Rank-5 and mAP of finding each person's images by their outfit
        and hair colour in words. Percentages.
    """
    images = _embed_images(model, pairs, mean, std)
    tokenize = open_clip.get_tokenizer(name)
    return {
        "images": len(pairs),
        "people": len(np.unique(pairs.people)),
        "attributes": {
            attribute: _name_words(model, tokenize, pairs, images, attribute, words[attribute])
            for attribute in _QUESTIONS
        },
        "text_to_image": _find_people(model, tokenize, pairs, images),
    }


def _embed_images(model: nn.Module, pairs: Pairs, mean: Tensor, std: Tensor) -> Tensor:
    features = []
    for start in range(0, len(pairs), 256):
        pixels = torch.from_numpy(pairs.pixels[start : start + 256]).permute(0, 3, 1, 2).float()
        pixels = (pixels - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
        features.append(F.normalize(model.encode_image(pixels), dim=1))
    return torch.cat(features)


def _embed_texts(
    model: nn.Module, tokenize: open_clip.SimpleTokenizer, texts: Sequence[str]
) -> Tensor:
    return F.normalize(model.encode_text(tokenize(list(texts))), dim=1)


def _name_words(
    model: nn.Module,
    tokenize: open_clip.SimpleTokenizer,
    pairs: Pairs,
    images: Tensor,
    attribute: str,
    words: Sequence[str],
) -> dict[str, float]:
    """For each person, ask with every word for the attribute; the best one counts."""
    right = 0
    for number in np.unique(pairs.people):
        person = pairs.attributes[number]
        texts = [_QUESTIONS[attribute].format(**(person | {attribute: word})) for word in words]
        similarity = images[pairs.people == number] @ _embed_texts(model, tokenize, texts).T
        right += int((similarity.argmax(1) == words.index(person[attribute])).sum())
    return {"accuracy": 100.0 * right / len(pairs), "chance": 100.0 / len(words)}


def _find_people(
    model: nn.Module, tokenize: open_clip.SimpleTokenizer, pairs: Pairs, images: Tensor
) -> dict[str, float]:
    numbers = np.unique(pairs.people)
    texts = [full_caption(pairs.attributes[number]) for number in numbers]
    distances = 1 - (_embed_texts(model, tokenize, texts) @ images.T).numpy()
    nowhere = np.full(len(numbers), -1)  # a text was seen by no camera
    cmc, ap, _ = evaluate_rank(distances, numbers, pairs.people, nowhere, pairs.cameras)
    scores = {"Rank-1": cmc[0], "Rank-5": cmc[4], "mAP": np.mean(ap)}
    return {name: 100.0 * float(score) for name, score in scores.items()}

"""Zero-shot scores of a CLIP on held-out people: words for an image, and people for a text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from open_clip import CLIP
from torch import Tensor

from ..evaluation import evaluate_rank
from ..modeling.clip import build_tokenizer
from .captions import full_caption, light_caption
from .encoders import image_features
from .pairs import Pairs
from .pixels import PixelStatistics

EmbedTexts = Callable[[Sequence[str]], Tensor]  # N texts -> L2-normalized features (N, D)

LIGHTING = "lighting"
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
ASKED = (*_QUESTIONS, LIGHTING)  # attributes


@torch.no_grad()
def measure_zero_shot(
    model: CLIP,
    pairs: Pairs,
    *,
    model_name: str,
    words: Mapping[str, Sequence[str]],
    statistics: PixelStatistics,
) -> dict[str, Any]:
    """Return the zero-shot accuracy per attribute, and the retrieval of people by description.

    Args:
        model: open_clip's, on the CPU, in evaluation mode.
        pairs: images of people that the model was not trained on.
        model_name: open_clip's name of the model.
        words: attribute -> the words to choose among, for each of ``ASKED``.
        statistics: of the pixels.

    Returns:
        ``attributes``: attribute -> ``accuracy`` of naming its word on an image, and ``chance``;
        ``text_to_image``: Rank-1, Rank-5 and mAP of finding each person's images by their outfit
        and hair color in words. Percentages.
    """
    images = F.normalize(embed_images(model, pairs, statistics), dim=1)
    tokenize = build_tokenizer(model_name)

    def embed_texts(texts: Sequence[str]) -> Tensor:
        return F.normalize(model.encode_text(tokenize(list(texts))), dim=1)

    return {
        "images": len(pairs),
        "people": len(np.unique(pairs.people)),
        "attributes": {
            attribute: _name_words(embed_texts, pairs, images, attribute, words[attribute])
            for attribute in ASKED
        },
        "text_to_image": _find_people(embed_texts, pairs, images),
    }


def embed_images(model: CLIP, pairs: Pairs, statistics: PixelStatistics) -> Tensor:
    """Return v_g of all images, (N, D)."""
    features = []
    for start in range(0, len(pairs), 256):
        pixels = statistics.normalize(pairs.pixels[start : start + 256])
        features.append(image_features(model, pixels))
    return torch.cat(features)


def word_of(pairs: Pairs, image: int, attribute: str) -> str:
    """Return the word of an attribute that is true of an image."""
    if attribute == LIGHTING:  # of the image; the person's own was drawn for the prompt
        return pairs.places[image].lighting
    return pairs.attributes[pairs.people[image]][attribute]


def accuracy(answers: Sequence[int], true: Sequence[int], num_words: int) -> dict[str, float]:
    """Return ``accuracy`` and ``chance``, percentages."""
    share = np.mean(np.array(answers) == np.array(true))
    return {"accuracy": 100.0 * float(share), "chance": 100.0 / num_words}


def _name_words(
    embed_texts: EmbedTexts, pairs: Pairs, images: Tensor, attribute: str, words: Sequence[str]
) -> dict[str, float]:
    """Ask for each image with every word of the attribute; the most similar one is the answer."""
    answers = np.empty(len(pairs), int)
    if attribute == LIGHTING:
        texts = embed_texts([light_caption(word) for word in words])
        answers[:] = (images @ texts.T).argmax(dim=1)
    else:
        for number in np.unique(pairs.people):
            person, rows = pairs.attributes[number], pairs.people == number
            questions = [
                _QUESTIONS[attribute].format(**(person | {attribute: word})) for word in words
            ]
            answers[rows] = (images[rows] @ embed_texts(questions).T).argmax(dim=1)
    true = [words.index(word_of(pairs, image, attribute)) for image in range(len(pairs))]
    return accuracy(answers.tolist(), true, len(words))


def _find_people(embed_texts: EmbedTexts, pairs: Pairs, images: Tensor) -> dict[str, float]:
    numbers = np.unique(pairs.people)
    texts = [full_caption(pairs.attributes[number]) for number in numbers]
    distances = 1 - (embed_texts(texts) @ images.T).numpy()
    no_camera = np.full(len(numbers), -1)  # a text was seen by no camera
    cmc, ap, _ = evaluate_rank(distances, numbers, pairs.people, no_camera, pairs.cameras)
    scores = {"Rank-1": cmc[0], "Rank-5": cmc[4], "mAP": np.mean(ap)}
    return {name: 100.0 * float(score) for name, score in scores.items()}

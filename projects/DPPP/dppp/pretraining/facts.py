"""Facts: what is true of a generated image, and whether a caption is true of it.

A fact is an attribute and a word, for example ("upper_color", "red"). A caption states some facts
and is true of every image that has them all, so within a batch a short caption belongs to many
images. Generated data knows all facts; for photographs and texts from the internet CLIP's training
has to call every other pair of a batch wrong.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Fact = tuple[str, str]

_MIRRORED = {"left": "right", "right": "left"}
LIGHTING = "lighting"
SEEN = ("scene", LIGHTING, "view")  # attributes of a place
_HAIRSTYLE = "hairstyle"
_OTHERWISE = (_HAIRSTYLE, LIGHTING)  # in parts; of the image, not of the prompt


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where, in which light, from which side and by which camera a person was seen.

    Attributes:
        scene: of images.jsonl.
        lighting: likewise.
        view: likewise, with spaces for hyphens.
        camera: words for the quality of the camera's pictures.
    """

    scene: str
    lighting: str
    view: str
    camera: tuple[str, ...] = ()

    def mirrored(self) -> "Place":
        """Return the place in the mirror: "front right" for "front left"."""
        view = " ".join(_MIRRORED.get(word, word) for word in self.view.split())
        return self.with_word("view", view)

    def with_word(self, name: str, word: str) -> "Place":
        """Return the place with another scene, lighting or view."""
        seen = {known: getattr(self, known) for known in SEEN} | {name: word}
        return Place(**seen, camera=self.camera)


def facts_of(attributes: Mapping[str, str], place: Place) -> frozenset[Fact]:
    """Return everything that is true of an image.

    Args:
        attributes: of the person, from identities.jsonl.
        place: where the person is seen.
    """
    person = [(name, word) for name, word in attributes.items() if name not in _OTHERWISE]
    hair = [(_HAIRSTYLE, words) for words in hair_phrases(attributes)]
    seen = [(name, getattr(place, name)) for name in SEEN]
    return frozenset([*person, *hair, *seen, *(("camera", words) for words in place.camera)])


def hair_phrases(attributes: Mapping[str, str]) -> list[str]:
    """Return a hairstyle's parts, to stand before "hair": "long", "wavy", "side part", "bun"."""
    parts = attributes[_HAIRSTYLE].split(", ")
    return [
        part.replace(" texture", "").removesuffix(" hair").removeprefix("hair ") for part in parts
    ]


def truth(captions: Sequence[Collection[Fact]], images: Sequence[Collection[Fact]]) -> np.ndarray:
    """Return which caption is true of which image.

    Args:
        captions: facts that each caption states.
        images: all facts of each image.

    Returns:
        (captions, images) bool.
    """
    numbers = {fact: number for number, fact in enumerate(set().union(*captions))}
    stated = np.zeros((len(captions), len(numbers)), np.float32)
    absent = np.ones((len(images), len(numbers)), np.float32)
    for row, facts in enumerate(captions):
        stated[row, [numbers[fact] for fact in facts]] = 1.0
    for row, facts in enumerate(images):
        absent[row, [numbers[fact] for fact in facts if fact in numbers]] = 0.0
    return stated @ absent.T == 0.0

"""The data card: a README.md that travels with every data set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..config import DRAWN, RELIGHT
from .layout import IdentityRow
from .stats import summary

_CARD = """# GenePerson: virtual pedestrians made from text

{identities} identities ({train} for training, {test} held out) in {images} images of
{height} x {width} pixels (height x width). No real person's image was used: every person was drawn
by a program from a text prompt, and any resemblance to a real person is a coincidence.{trained_on}

## How it was made

Attribute words were combined at random into prompts, no two of which share the same outfit. Each
prompt was drawn on one canvas of {columns} x {rows} cells, one walking pose per cell, by the
`{synthesis}` synthesizer. Cells without exactly one whole person of usable size were rejected. Each
kept cell was put into one of six scenes (the cameras c1..c6: street, commercial, park, field,
residential, indoor) under one of nine lightings (s1..s9){cameras}. {light} {note}

To make the same set again, use the configuration in `dataset.json` with geneperson {version};
`geneperson build --only PID` makes one identity again, with the same bytes on the same
machine.

{models}

## Files

- `bounding_box_train/`: images to train on; `0001_c1s3_000017_00.jpg` is identity 1, camera 1,
  lighting 3, canvas cell 17, copy 0
- `query/`, `bounding_box_test/`: held-out identities; every query has an image of its identity from
  another camera in `bounding_box_test/`
- `identities.jsonl`: pid, split, candidate number, attributes, prompt, negative prompt and seed of
  each identity
- `images.jsonl`: file, pid, scene, lighting shown and drawn, background, cell, view, mask area
  (share of the cell) and sha256 of each image
- `rejects.jsonl`, `rejects.jpg`: the cells that were not used, with the reason, and examples
- `dataset.json`: counts, configuration, versions, and the digest of the whole set

Digest: `{digest}`

## Statistics

```
{statistics}
```

## Intended use

Training and evaluating person re-identification without images of real people. It is not meant for
recognizing who a real person is, or for inferring traits of real people: gender, body, skin and
hair are words of a prompt here, not measurements.

## Limits and known biases

- The words come from a fixed vocabulary, and only adults ("woman", "man") are described; the set
  shows the balance above and nothing about the balance of any real population.
{biases}- One identity wears one outfit everywhere, and every image shows one walking person, framed
  as a detector might, which can cut feet or hair: no crowds, no change of clothes.
- Six scenes act as six cameras; a camera here is a kind of place, not one fixed spot.

## Licence

{licence}
"""
_LIGHT = {
    RELIGHT: "People were drawn in\nneutral light and relit for each background.",
    DRAWN: "People were drawn under the\nlighting of their prompt and only meet backgrounds of it.",
}
_CAMERAS = ", and seen through that scene's\ncamera of the `{world}` camera world"
_TRAINED_ON = """ The
models that drew them were trained by others on images from the web, which can show real people;
this set holds only what they drew."""
_BIASES = """- A model draws what its training images made likely: who represents "woman" or
  "man", which skin and hair come out as asked, and what a street looks like follow the web, not the
  world. Words of a prompt may be ignored; the attributes are what was asked for, not what is seen.
"""
_OWN_LICENCE = """No third party has rights in the images: they may be used under the licence of the
software that made them (Apache-2.0)."""
_MODELS_LICENCE = """The terms of the models apply to the images, in addition to the licence of the
software that made them (Apache-2.0): read each model's card before you share or use them."""


def render(dataset: dict[str, Any], identities: Iterable[IdentityRow], *, note: str) -> str:
    """Render the card.

    Args:
        dataset: content of ``dataset.json``.
        identities: all identities of the set.
        note: what the route says of its pictures.
    """
    configuration = dataset["configuration"]
    height, width = configuration["CANVAS"]["CELL_SIZE"]
    splits = dataset["identities"]
    models = {key: model for key, model in dataset["models"].items() if key != "synthesis"}
    cameras = _CAMERAS.format(world=configuration["WORLD"])
    return _CARD.format(
        identities=sum(splits.values()),
        train=splits["train"],
        test=splits["test"],
        images=sum(dataset["images"].values()),
        height=height,
        width=width,
        columns=configuration["CANVAS"]["COLUMNS"],
        rows=configuration["CANVAS"]["ROWS"],
        synthesis=dataset["models"]["synthesis"],
        cameras=cameras if configuration["CAMERA"]["EFFECTS"] else "",
        light=_LIGHT[configuration["LIGHT"]["MODE"]],
        note=note,
        models=_table(models),
        trained_on=_TRAINED_ON if models else "",
        biases=_BIASES if models else "",
        licence=_MODELS_LICENCE if models else _OWN_LICENCE,
        version=dataset["software"]["geneperson"],
        digest=dataset["digest"],
        statistics="\n".join(summary(dataset, identities)),
    )


def _table(models: dict[str, dict[str, str]]) -> str:
    """Render the models as a Markdown table."""
    if not models:
        return "No model was used."
    rows = [
        f"| {role} | {model['name']} | {model['revision']} | {model['licence']} |"
        for role, model in sorted(models.items())
    ]
    return "\n".join(["| model | name | revision | licence |", "| --- | --- | --- | --- |", *rows])

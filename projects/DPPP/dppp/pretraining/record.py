"""The weights as a file for others: safetensors in half precision, what made them, and a card."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from tabulate import tabulate
from torch import nn

from ..files import whole_file


def write_weights(model: nn.Module, path: Path, record: Mapping) -> None:
    """Write ``path`` (.safetensors), the record beside it (.json) and a card made of it (.md).

    Half precision halves the file; loading gives single precision again.

    Args:
        record: plain: ``model``, ``command``, ``recipe``, ``data``, ``held_out``, ``software`` and
            ``zero_shot``.
    """
    state = {
        name: value.detach().to(torch.float16 if value.is_floating_point() else value.dtype)
        for name, value in model.state_dict().items()
        if name != "attn_mask"  # a constant
    }
    content = save({name: value.contiguous() for name, value in state.items()})
    record = {**record, "weights_sha256": hashlib.sha256(content).hexdigest()}
    with whole_file(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    with whole_file(path.with_suffix(".md")) as temporary:
        temporary.write_text(card(record), encoding="utf-8")
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def card(record: Mapping) -> str:
    """The model card, as Markdown."""
    data = record["data"]
    images, people = (sum(source[key] for source in data) for key in ("images", "identities"))
    lines = [
        f"# {record['model']}, trained on procedural pedestrians",
        "",
        "A small CLIP of `geneperson`'s people and prompts and nothing else; the table below says",
        f"which words it knows. It was trained from random weights on {images} images of {people}",
        f"virtual people in {len(data)} random camera worlds, drawn by the procedural route, with",
        "captions made of their prompts. No real person, no image of the internet, no foreign",
        "weights. Apache-2.0, as the code.",
        "",
        "It is a toy: it lets the quickstart start from a joint image-text space, as the paper",
        "does from OpenAI's CLIP. It knows no photographs and must not be used on them.",
        "",
        f"- Command: `{record['command']}`",
        f"- Recipe: {_listed(record['recipe'])}",
        f"- Software: {_listed(record['software'])}",
        f"- Data (each set's digest begins with): {', '.join(s['digest'][:8] for s in data)}",
        f"- Held out, not one outfit of it in the data: {_held_out(record['held_out'])}",
        "",
        "Zero-shot on people and outfits it never saw (percent; the command above prints it):",
        "",
        _table(record["zero_shot"]),
        "",
    ]
    return "\n".join(lines)


def _held_out(sets: Mapping) -> str:
    return "; ".join(
        f"{name}, {one['identities']} people, {one['digest'][:8]}" for name, one in sets.items()
    )


def _listed(facts: Mapping) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items())


def _table(zero_shot: Mapping) -> str:
    rows = []
    first = next(iter(zero_shot.values()))
    for attribute in first["attributes"]:
        found = [of["attributes"][attribute] for of in zero_shot.values()]
        numbers = [f"{one['accuracy']:.1f} (chance {one['chance']:.1f})" for one in found]
        rows.append([attribute.replace("_", " "), *numbers])
    for score in first["text_to_image"]:
        numbers = [f"{of['text_to_image'][score]:.1f}" for of in zero_shot.values()]
        rows.append([f"text to image, {score}", *numbers])
    headers = [f"{name}, {of['people']} people" for name, of in zero_shot.items()]
    return tabulate(rows, headers=["", *headers], tablefmt="pipe", disable_numparse=True)

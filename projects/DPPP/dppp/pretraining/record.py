"""The published form of the weights: safetensors in half precision, a record and a model card."""

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
    """Write ``path`` (.safetensors) and, next to it, the record (.json) and its card (.md).

    Half precision halves the file; loading gives single precision again.

    Args:
        model: the trained model.
        path: file to write.
        record: plain data: ``model``, ``command``, ``recipe``, ``data``, ``held_out``,
            ``software``, and by name of a held-out set ``zero_shot``, and ``linear``: what the
            linear layers of ``Naming`` reach; and ``ceiling``, if it is known (``add_ceiling``).
    """
    state = {
        name: value.detach().to(torch.float16 if value.is_floating_point() else value.dtype)
        for name, value in model.state_dict().items()
        if name != "attn_mask"  # a constant
    }
    content = save({name: value.contiguous() for name, value in state.items()})
    _write_record(path, {**record, "weights_sha256": hashlib.sha256(content).hexdigest()})
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def add_ceiling(path: Path, ceiling: Mapping) -> None:
    """Add to the record and card of published weights what an encoder names that learns no texts.

    Args:
        path: of the weights (.safetensors).
        ceiling: ``command``, and ``accuracy``: name of a held-out set -> what ``Naming`` measures.
    """
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    _write_record(path, {**record, "ceiling": ceiling})


def _write_record(path: Path, record: Mapping) -> None:
    with whole_file(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    with whole_file(path.with_suffix(".md")) as temporary:
        temporary.write_text(card(record), encoding="utf-8")


def card(record: Mapping) -> str:
    """Return the model card of a record, as Markdown."""
    data = record["data"]
    images, people = (sum(source[key] for source in data) for key in ("images", "identities"))
    lines = [
        f"# {record['model']}, trained on procedural pedestrians",
        "",
        "A small CLIP trained on `geneperson`'s images and prompts only; the table below shows",
        f"which words it knows. It was trained from random weights on {images} images of {people}",
        f"virtual people in {len(data)} random camera worlds, drawn by the procedural route, with",
        "captions made from their prompts. No images of real people, no images from the internet",
        "and no weights by others were used. Apache-2.0, like the code.",
        "",
        "It is a toy: it gives the quickstart a joint image-text space to start from, as OpenAI's",
        "CLIP does in the paper. It has never seen a photograph; do not use it on photographs.",
        "",
        f"- Command: `{record['command']}`",
        f"- Recipe: {_listed(record['recipe'])}",
        f"- Software: {_listed(record['software'])}",
        f"- Data (first digits of each set's digest): {', '.join(s['digest'][:8] for s in data)}",
        f"- Held out (no outfit of these sets is in the data): {_held_out(record['held_out'])}",
        "",
        "Zero-shot on held-out people and outfits, in percent; the command above prints it. In",
        "brackets: chance, and the linear layer that was trained along on the same features. It",
        "needs no text: what it does not see, no text can find.",
    ]
    by_layer = {"linear": record["linear"]}
    if "ceiling" in record:
        by_layer["ceiling"] = record["ceiling"]["accuracy"]
        lines += [
            "The ceiling is what an encoder of the same form reaches that learns to name the words",
            f"alone, without texts, from the same images: `{record['ceiling']['command']}`.",
        ]
    lines += ["", _table(record["zero_shot"], by_layer), ""]
    return "\n".join(lines)


def _held_out(sets: Mapping) -> str:
    return "; ".join(
        f"{name}, {facts['identities']} people, {facts['digest'][:8]}"
        for name, facts in sets.items()
    )


def _listed(facts: Mapping) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items())


def _table(zero_shot: Mapping, by_layer: Mapping) -> str:
    rows = []
    scores = list(zero_shot.values())
    for attribute in scores[0]["attributes"]:
        cells = [
            _answer(
                score["attributes"][attribute],
                {kind: found[name][attribute] for kind, found in by_layer.items()},
            )
            for name, score in zero_shot.items()
        ]
        rows.append([attribute.replace("_", " "), *cells])
    for name in scores[0]["text_to_image"]:
        cells = [f"{score['text_to_image'][name]:.1f}" for score in scores]
        rows.append([f"text to image, {name}", *cells])
    headers = [f"{name}, {score['people']} people" for name, score in zero_shot.items()]
    return tabulate(rows, headers=["", *headers], tablefmt="pipe", disable_numparse=True)


def _answer(by_text: Mapping, by_layer: Mapping) -> str:
    others = {"chance": by_text["chance"]}
    others |= {kind: found["accuracy"] for kind, found in by_layer.items()}
    shown = ", ".join(f"{kind} {value:.1f}" for kind, value in others.items())
    return f"{by_text['accuracy']:.1f} ({shown})"

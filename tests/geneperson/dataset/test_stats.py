"""The table and the data card say what the set holds."""

import json
from pathlib import Path

import pytest

from geneperson import UserError
from geneperson.dataset.layout import DATASET, IMAGES, IdentityRow, ImageRow, read_rows
from geneperson.dataset.stats import stats


def value(text: str, label: str) -> str:
    """Return what follows a label."""
    lines = [line for line in text.splitlines() if line.startswith(f"{label}  ")]
    assert len(lines) == 1, (label, text)
    return lines[0][len(label) :].strip()


def test_counts_are_those_of_the_rows(pristine: Path) -> None:
    text = stats(pristine)
    images = read_rows(pristine, ImageRow, [])
    assert value(text, "identities") == "5 (3 train, 2 test)"
    assert value(text, "images") == str(len(images))
    for number, scene in enumerate(("street", "commercial", "park"), start=1):
        counted = sum(row.scene == scene for row in images)
        assert value(text, f"  c{number} {scene}") == str(counted)
    per_identity = f"{len(images) / 5:.2f}"
    assert value(text, "images per identity") == f"{per_identity}   (paper: 19.65)"
    assert value(text, "cells kept") == f"{100 * len(images) / 30:.1f} %   (paper: 46.8 %)"


def test_balance_adds_up(pristine: Path) -> None:
    text = stats(pristine)
    people = read_rows(pristine, IdentityRow, [])
    for attribute in ("gender", "body_shape", "skin_color", "hair_color"):
        assert f"{attribute.replace('_', ' ')} (identities)" in text
        for word in {one.attributes[attribute] for one in people}:
            counted = sum(one.attributes[attribute] == word for one in people)
            assert f"  {word:<32}{counted} ({100 * counted / 5:.0f} %)" in text


def test_card_tells_what_people_ask(pristine: Path) -> None:
    card = (pristine / "README.md").read_text()
    dataset = json.loads((pristine / DATASET).read_text())
    assert "No real person's image was used" in card
    assert dataset["digest"] in card
    assert "5 identities (3 for training, 2 held out)" in card
    assert "128 x 64 pixels" in card
    for heading in ("How it was made", "Statistics", "Intended use", "Limits", "Licence"):
        assert f"## {heading}" in card
    assert "{" not in card


def test_reasons_of_rejection_are_listed(dataset: Path) -> None:
    content = json.loads((dataset / DATASET).read_text())
    content["cells"]["rejected"] = {"cut off": 7}
    (dataset / DATASET).write_text(json.dumps(content))
    assert value(stats(dataset), "cells rejected: cut off") == "7 (23.3 %)"


def test_folders_that_cannot_be_described(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no finished data set"):
        stats(tmp_path)
    (dataset / IMAGES).write_text("{\n")
    with pytest.raises(UserError, match=r"line 1 is not JSON.*verify"):
        stats(dataset)
    (dataset / DATASET).write_text("[]")
    with pytest.raises(UserError, match="verify"):
        stats(dataset)

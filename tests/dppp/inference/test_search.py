"""Hits of a search: who is known to be the same person, and features that are not compared."""

import dataclasses
from pathlib import Path

import pytest

import dppp
from dppp.inference import Embedder, extract, search
from dppp.inference.search import same_person


def test_truth_is_not_invented() -> None:
    assert same_person(Path("0002_c1s1_000001_00.jpg"), Path("0002_c3s1_000001_00.jpg")) is True
    assert same_person(Path("0002_c1s1_000001_00.jpg"), Path("0003_c3s1_000001_00.jpg")) is False
    here, there = Path("one/0002_c1s1_000001_00.jpg"), Path("two/0002_c3s1_000001_00.jpg")
    assert same_person(here, there) is None  # 0002 of one set is not 0002 of another
    for pid in ("-1", "0000"):  # junk and strangers: nobody knows who they are
        assert (
            same_person(Path(f"{pid}_c1s1_000001_00.jpg"), Path(f"{pid}_c3s1_000001_00.jpg"))
            is None
        )


def test_features_of_two_models_are_not_compared(embedder: Embedder, gallery: Path) -> None:
    features = extract(embedder, gallery)
    other = dataclasses.replace(features, model="another")
    with pytest.raises(dppp.UserError, match="embedded by different models"):
        search(other, features, 3)

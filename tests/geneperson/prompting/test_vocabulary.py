"""The curated words are usable, and a user's own words are checked."""

import json
from pathlib import Path

import pytest

from geneperson import UserError
from geneperson.prompting.vocabulary import ATTRIBUTES, CURATED, GENDERS, load


def curated() -> dict:
    return json.loads(CURATED.read_text())


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_curated_words_serve_adults_of_both_genders() -> None:
    words = load().words
    assert set(words) == set(GENDERS) == {"woman", "man"}
    for gender in GENDERS:
        assert set(words[gender]) == set(ATTRIBUTES)
    assert words["woman"]["build"] == ("maternal build body",)
    assert words["man"]["build"] == ("male build body",)
    assert "skirt" in words["woman"]["lower_wear"] and "skirt" not in words["man"]["lower_wear"]


def test_curated_words_never_speak_of_children() -> None:
    text = CURATED.read_text().lower()
    assert not [word for word in ("girl", "boy", "child", "kid", "teen", "school") if word in text]


def test_contradictions_hold_both_ways() -> None:
    vocabulary = load()
    assert not vocabulary.compatible({"upper_wear": "coat", "footwear": "sandals"})
    assert not vocabulary.compatible({"footwear": "sandals", "upper_wear": "coat"})
    assert vocabulary.compatible({"upper_wear": "coat", "footwear": "boots"})


def test_own_file_is_read_and_has_its_own_digest(tmp_path: Path) -> None:
    content = curated() | {"skin_color": ["tan"]}
    own = load(write(tmp_path / "own.json", content))
    assert own.words["man"]["skin_color"] == ("tan",)
    assert own.sha256 != load().sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"upper_color": []}, "upper_color: no words for 'woman'"),
        ({"upper_color": "red"}, "upper_color: 'any' must be a list"),
        ({"upper_color": ["red", 3]}, "upper_color: 'any' must be a list"),
        ({"upper_color": ["red", " "]}, "upper_color: 'any' must be a list"),
        ({"upper_color": ["red", "blue", "red"]}, "upper_color: repeated words red"),
        ({"upper_color": {"any": ["red"], "man": ["red"]}}, "upper_color: repeated words red"),
        ({"upper_color": {"child": ["red"], "any": ["red"]}}, "unknown group 'child'"),
        ({"hat": ["cap"]}, "unknown attribute 'hat'"),
        ({"contradictions": [{"upper_wear": ["cape"], "footwear": ["boots"]}]}, "has no word cape"),
        ({"contradictions": [{"upper_wear": ["coat"]}]}, "rule 1: must have two attributes"),
        (
            {"contradictions": [{"upper_color": ["red"], "lower_color": ["red"]}]},
            "cannot be combined",
        ),
        ({"contradictions": {}}, "a list of rules"),
    ],
)
def test_wrong_words_are_named(tmp_path: Path, change: dict, message: str) -> None:
    path = write(tmp_path / "own.json", curated() | change)
    with pytest.raises(UserError) as error:
        load(path)
    assert message in str(error.value) and str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    content = curated() | {"upper_color": [], "hat": ["cap"]}
    del content["skin_color"]
    with pytest.raises(UserError, match=r"hat.*no words.*'skin_color' is missing"):
        load(write(tmp_path / "own.json", content))


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_files_that_are_not_a_vocabulary(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"own\.json"):
        load(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.json: No such file"):
        load(tmp_path / "none.json")
